import {clean} from '../auth/facts.ts';
import {checkCode, type FindingLevel, findingTable, type SecretFinding} from '../auth/secrets/findings.ts';
import {type CommandContext, printJson} from './command.ts';

const signs: Readonly<Record<FindingLevel, string>> = {finding: '✗', unresolved: '✗', info: '•'};

/** `secrets audit`: what is found of secrets at rest, of modes and owners, and of refs. */
export async function runSecretsAudit(context: CommandContext): Promise<number> {
	const findings = await context.jarvis.auditSecrets();
	const count = (level: FindingLevel) =>
		findings.filter(({code}) => findingTable[code].level === level).length;
	const summary = {
		findings: count('finding'),
		unresolved: count('unresolved'),
		info: count('info'),
	};
	if (context.flags.json) {
		printJson(context, {
			findings: findings.map(({code, ...about}) => ({code, level: findingTable[code].level, ...about})),
			summary,
		});
	} else {
		for (const finding of findings) context.print(wordsOf(finding));
		context.tell(summaryWords(summary));
	}
	return context.flags.check ? checkCode(findings) : 0;
}

function wordsOf({code, agentId, message, next}: SecretFinding): string {
	const whose = agentId === undefined ? '' : ` (${agentId})`;
	const lines = [`${signs[findingTable[code].level]} ${code}${whose}`, `  ${clean(message)}`];
	return [...lines, ...(next === undefined ? [] : [`  → ${next}`])].join('\n');
}

function summaryWords({
	findings,
	unresolved,
}: {
	readonly findings: number;
	readonly unresolved: number;
}): string {
	if (findings + unresolved === 0)
		return 'Nothing to do: no secret that could be elsewhere is in plain text.';
	const words = [
		...(unresolved > 0 ? [`${unresolved} that will not work`] : []),
		...(findings > 0 ? [`${findings} to be mended`] : []),
	];
	return `Found ${words.join(', ')}. What each means: docs/keychain.md`;
}
