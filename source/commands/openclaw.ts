import {resolve} from 'node:path';
import type {ExportedProfile, ExportOutcome} from '../auth/openclaw/compose.ts';
import type {OpenclawExport} from '../auth/openclaw/export.ts';
import type {OpenclawImport} from '../auth/openclaw/import.ts';
import type {ImportedProfile, ImportOutcome} from '../auth/openclaw/merge.ts';
import {shellWord} from '../errors.ts';
import {span} from '../words.ts';
import {confirmByName} from './ask.ts';
import {type CommandContext, printJson, textFlag} from './command.ts';
import {textTable} from './text.ts';

const importWords: Readonly<Record<ImportOutcome, string>> = {
	added: '✓ taken',
	renewed: '✓ taken: fresher than what was here',
	access_only: '! taken without its refresh token, maybe an old one: log in again',
	same: '✓ here already',
	fresher_here: '✓ what is here is fresher',
	held_here: '✓ the login is here already, as',
	linked: '• left: here it is another program’s login, which is read there',
	read_of_main: '✓ a copy: read from now on of',
	copy_left: '✗ not taken: log in for this agent. A copy of',
	spent: '✗ its refresh token was used here already: log in again',
	other_account: '✗ left: that id is of another account here',
	other_secret: '✗ left: that id has another secret here',
	not_understood: '• kept in the file, out of use: not understood',
	id_refused: '✗ left: its id cannot be one here',
};

const exportWords: Readonly<Record<ExportOutcome, string>> = {
	written: '✓ written',
	access_only: '✓ access token only',
	over: '✗ access token only, and that is over: it was not refreshed',
	handed_over: '• handed over: openclaw refreshes it now',
	not_handed_over: '✗ not handed over: it was changed there, or refreshed, meanwhile',
	refreshed_there: '✓ left: openclaw refreshes it itself',
	fresher_there: '✗ left: fresher there (import that first)',
	other_account: '✗ left: that id is of another account there, or may be',
	other_secret: '✗ left: that id has another secret there',
	ref_unknown_there: '✗ left: openclaw has no such source of secrets',
	linked: '• left: it is another program’s login, which is read there',
};

/** `import openclaw`: brings an openclaw state folder in. Exit code 1 where a profile was of another account. */
export async function runImportOpenclaw(context: CommandContext): Promise<number> {
	const [folder] = context.arguments;
	const dryRun = context.flags['dry-run'] === true;
	const done = await context.jarvis.importOpenclaw(folder === undefined ? undefined : resolve(folder), {
		dryRun,
	});
	if (context.flags.json) printJson(context, done);
	else {
		context.print(await importText(done));
		tellImport(context, done);
	}
	return done.profiles.some(({outcome}) => outcome === 'other_account') ? 1 : 0;
}

/** `export openclaw`: writes an openclaw state folder. Exit code 1 where a profile was left, or is of no use there. */
export async function runExportOpenclaw(context: CommandContext): Promise<number> {
	const [folder = ''] = context.arguments;
	const withRefreshTokens = context.flags['with-refresh-tokens'] === true;
	if (withRefreshTokens && !(await confirmByName(context, handOverQuestion, 'openclaw'))) {
		context.tell('Nothing was written.');
		return 130;
	}
	const done = await context.jarvis.exportOpenclaw(resolve(folder), {
		agentId: textFlag(context, 'agent'),
		merge: context.flags.merge === true,
		withRefreshTokens,
	});
	if (context.flags.json) printJson(context, done);
	else {
		context.print(await exportText(context, done));
		tellExport(context, done);
	}
	return done.profiles.some(isLeft) ? 1 : 0;
}

const handOverQuestion =
	'This gives openclaw the refresh tokens and takes them out of the store here: JARVIS can no longer refresh these logins.';

async function importText({profiles}: OpenclawImport): Promise<string> {
	if (profiles.length === 0) return 'openclaw has no profiles.';
	const rows = profiles.map(({agentId, profileId, outcome, heldBy}: ImportedProfile) => [
		...[agentId, profileId],
		[importWords[outcome], heldBy ?? []].flat().join(' '),
	]);
	return textTable(['AGENT', 'PROFILE', 'WHAT BECOMES OF IT'], rows);
}

function tellImport(context: CommandContext, done: OpenclawImport): void {
	const {newAgents, sessions, config, notes, dryRun} = done;
	if (newAgents.length > 0) context.tell(`New agents: ${newAgents.join(', ')}.`);
	const added = sessions.reduce((sum, {added}) => sum + added, 0);
	const kept = sessions.reduce((sum, {kept}) => sum + kept, 0);
	if (added + kept > 0) {
		context.tell(
			`Sessions with a model or profile of their own: ${added} taken, ${kept} set otherwise here and left.`,
		);
	}
	tellConfig(context, config, 'jarvis.json');
	for (const note of notes) context.tell(note);
	if (dryRun) context.tell('Nothing was changed: this was a dry run.');
	else if (done.profiles.some(({rotates}) => rotates)) {
		context.tell(
			'JARVIS refreshes these logins from now on. An openclaw that goes on refreshing them logs both out.',
		);
		context.tell(
			`Stop it for good, or take the refresh tokens from it while it is stopped: jarvis export openclaw ${shellWord(done.folder)} --merge`,
		);
	}
}

async function exportText({jarvis}: CommandContext, {profiles}: OpenclawExport): Promise<string> {
	if (profiles.length === 0) return 'There are no profiles.';
	const rows = profiles.map(({agentId, profileId, outcome, expires}) => [
		...[agentId, profileId, exportWords[outcome]],
		expires === undefined ? '–' : span(expires - jarvis.now()),
	]);
	return textTable(['AGENT', 'PROFILE', 'WHAT BECAME OF IT', 'GOOD FOR'], rows);
}

function tellExport(context: CommandContext, done: OpenclawExport): void {
	const {profiles, sessions, config, notes} = done;
	if (sessions > 0) context.tell(`Sessions with a model or profile of their own: ${sessions}.`);
	tellConfig(context, config, 'openclaw.json');
	for (const note of notes) context.tell(note);
	const isAccessOnly = profiles.some(({outcome}) => outcome === 'access_only' || outcome === 'over');
	const isHandedOver = profiles.some(({outcome}) => outcome === 'handed_over');
	if (isAccessOnly) {
		context.tell(
			'Two holders of one refresh token log each other out, so JARVIS kept them. When an access token runs out, run this again with --merge.',
		);
	}
	if (isHandedOver) context.tell('What was handed over works here until its access token runs out.');
}

function tellConfig(
	{tell}: CommandContext,
	{taken, kept, left}: OpenclawImport['config'],
	file: string,
): void {
	if (taken.length > 0) tell(`Set in ${file}: ${taken.join(', ')}.`);
	if (kept.length > 0) tell(`Left as they are in ${file}: ${kept.join(', ')}.`);
	if (left.length > 0) tell(`Not taken, as they are secrets or unknown there: ${left.join(', ')}.`);
}

const left: readonly ExportOutcome[] = [
	'over',
	'not_handed_over',
	'fresher_there',
	'other_account',
	'other_secret',
	'ref_unknown_there',
];

function isLeft({outcome}: ExportedProfile): boolean {
	return left.includes(outcome);
}
