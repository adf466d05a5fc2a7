import {readFileSync} from 'node:fs';
import {expect} from 'vitest';
import {runAgentsList} from '../../source/commands/agents.ts';
import type {CommandRun} from '../../source/commands/command.ts';
import {runOrderGet} from '../../source/commands/order.ts';
import {runBindings} from '../../source/commands/routes.ts';
import {runStatus} from '../../source/commands/status.ts';
import {type Jarvis, openJarvis} from '../../source/core.ts';
import {agentsSaid, differences, type Json, providersSaid, type Said} from '../support/openclaw.ts';

const docs = readFileSync(new URL('../../docs/openclaw.md', import.meta.url), 'utf8');

/** The members of openclaw's answers that JARVIS gives otherwise, as docs/openclaw.md lists them. */
const explained = [...docs.matchAll(/^\| `(\S+)` \| `(\w+)` \|/gm)].map(([, path = '', of = '']) => {
	const parts = path.split(/<\w+>/).map(part => part.replaceAll('.', String.raw`\.`));
	return {of, path: new RegExp(String.raw`^${parts.join('.+')}(\.\d+)?$`)};
});

/** Runs a command on a state folder, and gives the JSON that it prints. */
async function say(jarvis: Jarvis, run: CommandRun, flags: Record<string, string | true>): Promise<Json> {
	const printed: string[] = [];
	const code = await run({
		jarvis,
		...{flags: {...flags, json: true}, arguments: [], stdin: process.stdin},
		print: text => printed.push(text),
		tell: () => {},
	});
	expect(code).toBe(0);
	return JSON.parse(printed.join('\n'));
}

/** What JARVIS says to the questions that `askOpenclaw` asks. */
export async function askJarvis(stateDir: string, at: number): Promise<Omit<Said, 'sessions'>> {
	const jarvis = openJarvis({stateDir, env: {}, now: () => at});
	const status: Record<string, Json> = {};
	const order: Record<string, Record<string, Json>> = {};
	for (const agent of agentsSaid) {
		status[agent] = await say(jarvis, runStatus, {agent});
		const ofAgent: Record<string, Json> = {};
		for (const provider of providersSaid)
			ofAgent[provider] = await say(jarvis, runOrderGet, {agent, provider});
		order[agent] = ofAgent;
	}
	const agents = (await say(jarvis, runAgentsList, {})) as Record<string, Json>[];
	const bindings = (await say(jarvis, runBindings, {})) as Record<string, Json>[];
	return {
		...{at, status, order},
		agents: agents.map(entry => ({...entry, id: entry.agentId ?? null, isDefault: entry.default ?? null})),
		bindings,
	};
}

/**
 * Fails where JARVIS says another thing than openclaw that docs/openclaw.md does not explain.
 * @param except paths of members that differ for a reason of the test's own
 */
export function expectSame(
	theirs: Omit<Said, 'sessions'>,
	ours: Omit<Said, 'sessions'>,
	except: readonly string[] = [],
): void {
	const found = (['status', 'order', 'agents', 'bindings'] as const).flatMap(of =>
		differences(theirs[of] as Json, ours[of] as Json).map(path => ({of, path})),
	);
	const unexplained = found.filter(
		({of, path}) =>
			!explained.some(row => row.of === of && row.path.test(path.replace(/^(main|work)\./, ''))),
	);
	expect(unexplained.map(({path}) => path)).toEqual(except);
}
