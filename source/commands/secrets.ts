import {refKey} from '../auth/secrets/refs.ts';
import {reportWords} from '../auth/secrets/report.ts';
import type {SecretsReport} from '../auth/secrets/runtime.ts';
import {type CommandContext, printJson} from './command.ts';
import {textTable} from './text.ts';

/** `secrets reload`: resolves every secret ref that is in use, here and in the programs that stay open. */
export async function runSecretsReload(context: CommandContext): Promise<number> {
	const {jarvis} = context;
	const report = await jarvis.reloadSecrets();
	await jarvis.askForSecretsReload();
	if (context.flags.json) {
		const problems = report.problems.map(problem => problem.toJSON().error);
		printJson(context, {...report, problems});
	} else await tellReport(context, report);
	return report.ok ? 0 : 1;
}

async function tellReport(context: CommandContext, report: SecretsReport): Promise<void> {
	const {refs, ignored, problems} = report;
	const used = refs.map(({ref, usedBy, failure}) => [
		refKey(ref),
		usedBy.map(({agentId, profileId}) => `${profileId} (${agentId})`).join(', '),
		failure ? `✗ ${failure.message} (${failure.code})` : '✓ ok',
	]);
	const unused = ignored.map(({ref, agentId, profileId, reason}) => [
		refKey(ref),
		`${profileId} (${agentId})`,
		`– not looked at: nothing uses it (${reason})`,
	]);
	if (used.length + unused.length > 0) {
		context.print(await textTable(['REF', 'PROFILE', 'STATE'], [...used, ...unused]));
	}
	for (const {message, next} of problems) context.tell(`${message} ${next}`);
	const words = reportWords(report);
	context.tell(`${words.charAt(0).toUpperCase()}${words.slice(1)}.`);
	if (report.ok) context.tell('Dashboards and other programs that keep JARVIS open load them anew now.');
	else
		context.tell(
			'Programs that keep JARVIS open try it too; where it fails, they go on with what they have.',
		);
}
