import {clean} from '../auth/facts.ts';
import {type Finding, type FindingId, findingTable, type Severity} from '../doctor/findings.ts';
import {asJarvisError, JarvisError} from '../errors.ts';
import {askYesNo} from './ask.ts';
import {type CommandContext, printJson, textFlag} from './command.ts';

const signs: Readonly<Record<Severity, string>> = {error: '✗', warning: '!', note: '•'};

const counted: readonly (readonly [Severity, string, string])[] = [
	['error', 'error', 'errors'],
	['warning', 'warning', 'warnings'],
	['note', 'note', 'notes'],
];

/** What became of a finding that `--fix` was to mend. */
interface Mended {
	readonly id: FindingId;
	readonly where: string;
	readonly outcome: 'mended' | 'left' | 'failed' | 'would be mended';
	readonly what: string;
}

/** `doctor`: what is wrong around the credentials, and the one command that helps with each. */
export async function runDoctor(context: CommandContext): Promise<number> {
	const {jarvis, flags} = context;
	if (flags['dry-run'] && !flags.fix) {
		throw new JarvisError('usage', '--dry-run is for --fix.', 'Add --fix, or leave --dry-run out.');
	}
	const only = onlyFlag(context);
	const look = async () => {
		const found = await jarvis.doctor({online: flags.online === true});
		return found.filter(({id}) => only === undefined || only.includes(id));
	};
	const found = await look();
	const mended = flags.fix ? await mendAll(context, found) : [];
	if (mended.some(({outcome}) => outcome === 'left') && !context.stdin.isTTY) {
		context.tell(
			'What could cost a credential is asked first, and there is no terminal: --yes says yes to all of it.',
		);
	}
	const isChanged = mended.some(({outcome}) => outcome === 'mended');
	const left = isChanged ? await look() : found;
	if (flags.json) {
		const findings = left.map(({mend, ...about}) => ({...about, ...(mend ? {fix: mend.what} : {})}));
		printJson(context, {findings, ...(flags.fix ? {fixed: mended} : {})});
	} else {
		for (const {outcome, where, what} of mended) context.print(`${outcome}: ${where} (${what})`);
		if (mended.length > 0) context.print('');
		context.print(report(left));
	}
	return left.some(({severity}) => severity !== 'note') ? 1 : 0;
}

async function mendAll(context: CommandContext, found: readonly Finding[]): Promise<Mended[]> {
	const done: Mended[] = [];
	for (const finding of found) {
		const {id, where, mend} = finding;
		if (!mend) continue;
		const about = {id, where, what: mend.what};
		if (context.flags['dry-run']) {
			done.push({...about, outcome: 'would be mended'});
			continue;
		}
		if (mend.asks && !(await isWanted(context, finding))) {
			done.push({...about, outcome: 'left', what: mend.what});
			continue;
		}
		try {
			await context.jarvis.mend(finding);
			done.push({...about, outcome: 'mended'});
		} catch (error) {
			const {message} = asJarvisError(error);
			done.push({...about, outcome: 'failed', what: message});
		}
	}
	return done;
}

// Where nobody can be asked, and none said yes, it is left as it is.
async function isWanted(context: CommandContext, {where, what, mend}: Finding): Promise<boolean> {
	if (context.flags.yes) return true;
	if (!context.stdin.isTTY) return false;
	return askYesNo(context, `${where}\n${what}\nShall JARVIS ${mend?.what}?`);
}

function onlyFlag(context: CommandContext): readonly string[] | undefined {
	const ids = textFlag(context, 'only')?.split(',');
	const unknown = ids?.find(id => !Object.hasOwn(findingTable, id));
	if (unknown === undefined) return ids;
	throw new JarvisError(
		'usage',
		`There is no finding ${JSON.stringify(unknown)}.`,
		'All of them are in docs/doctor.md.',
	);
}

function report(findings: readonly Finding[]): string {
	if (findings.length === 0) return '✓ Nothing is wrong.';
	const parts = findings.map(({id, severity, where, what, next, mend}) =>
		[
			`${signs[severity]} ${id}  ${clean(where)}`,
			`    ${clean(what)}`,
			`    ${mend ? `--fix: ${mend.what}` : next}`,
		].join('\n'),
	);
	const counts = counted.flatMap(([severity, one, many]) => {
		const {length} = findings.filter(finding => finding.severity === severity);
		return length === 0 ? [] : [`${length} ${length === 1 ? one : many}`];
	});
	const {length: fixable} = findings.filter(({mend}) => mend);
	const help = fixable === 0 ? '' : ` jarvis doctor --fix mends ${fixable === 1 ? 'one' : fixable} of them.`;
	return `${parts.join('\n')}\n\n${counts.join(', ')}.${help}`;
}
