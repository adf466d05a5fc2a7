import {readConfig} from '../store/config.ts';
import {readSessions} from '../store/sessions.ts';
import {span} from '../words.ts';
import {clean} from './facts.ts';
import type {ResolveContext} from './resolve.ts';
import {modelOfSession} from './routing/session-target.ts';
import {usableProfiles} from './usable.ts';
import type {Which, WhichCandidate, WhichOption} from './which.ts';

/** What `/model status` and `/model list` tell of a session. */

/** Model and profile of a session, and why: what would be used now, and what stands before and behind it. */
export function statusLines({options, chosen, pin}: Which, now: number): string[] {
	const [wanted] = options;
	const lines = [
		`model    ${wanted ? `${clean(wanted.name)} (${wanted.why})` : 'none'}`,
		`profile  ${profileWords(chosen, wanted, now)}`,
	];
	if (pin && pin.profileId !== chosen?.profileId) {
		lines.push(`pin      ${clean(pin.profileId)} (${pinWords[pin.source]}), which cannot be used now`);
	}
	for (const option of options) {
		for (const {turn, profileId, why} of option.candidates) {
			if (profileId === chosen?.profileId) continue;
			const when = turn === undefined ? 'not tried' : `turn ${turn}`;
			const model = option === wanted ? '' : ` for ${clean(option.name)}`;
			lines.push(`${when.padEnd(9)}${clean(profileId)}${model}: ${why}`);
		}
	}
	return lines;
}

/** Who made a pin. */
export const pinWords = {auto: 'kept', user: 'pinned', request: 'asked for'} as const;

/**
 * The models that are configured, and the profiles that the agent can use for them.
 * @throws what reading the store throws
 */
export async function modelListLines(
	{paths}: Pick<ResolveContext, 'paths'>,
	agentId: string,
	sessionKey: string,
): Promise<string[]> {
	const config = await readConfig(paths);
	const {profiles} = await usableProfiles(paths, config, agentId);
	const session = (await readSessions(paths, agentId)).get(sessionKey);
	const target = modelOfSession(config, session);
	const current = target?.kind === 'model' ? `${target.model.provider}/${target.model.model}` : undefined;
	const names = new Set([...(current ? [current] : []), ...config.models.configured]);
	const lines = [...names].map(name => {
		const aliases = [...config.models.aliases].filter(([, ref]) => ref === name).map(([alias]) => alias);
		const also = aliases.length > 0 ? `  (${aliases.map(alias => clean(alias)).join(', ')})` : '';
		return `${name === current ? '▸' : ' '} ${clean(name)}${also}`;
	});
	if (lines.length === 0) lines.push('No model is configured: agents.defaults.model in jarvis.json.');
	const ids = profiles.map(({profileId}) => clean(profileId));
	return [...lines, `profiles: ${ids.length > 0 ? ids.join(', ') : 'none'}`];
}

function profileWords(
	chosen: WhichCandidate | undefined,
	wanted: WhichOption | undefined,
	now: number,
): string {
	if (!chosen) return 'none can be used';
	const isOther =
		chosen.model !== undefined && (chosen.model !== wanted?.model || chosen.provider !== wanted.provider);
	const model = isOther ? ` for ${chosen.provider}/${chosen.model}` : '';
	const back = chosen.until === undefined ? '' : `, back in ${span(chosen.until - now)}`;
	return `${clean(chosen.profileId)}${clean(model)} (${chosen.why}${back})`;
}
