import type {Config} from '../store/config.ts';
import type {Session} from '../store/sessions.ts';
import {span} from '../words.ts';
import {clean} from './facts.ts';
import type {Prepared} from './resolve.ts';
import {type ListedModel, listModels} from './routing/models.ts';
import {remediesOf} from './routing/remedy.ts';
import {modelOfSession} from './routing/session-target.ts';
import {factsOfUsable} from './snapshot.ts';
import type {UsableProfile} from './usable.ts';
import type {Which, WhichCandidate, WhichOption} from './which.ts';

/** What `/model status` and `/model list` tell of a session. */

/** Model and profile of a session, and why: what would be used now, and what stands before and behind it. */
export function statusLines({options, chosen, pin}: Which, now: number): string[] {
	const [wanted] = options;
	const lines = [
		`model      ${wanted?.model === undefined ? noneConfigured : `${clean(wanted.name)} (${wanted.why})`}`,
		`profile    ${profileWords(chosen, wanted, now)}`,
	];
	if (pin && pin.profileId !== chosen?.profileId) {
		lines.push(`pin        ${clean(pin.profileId)} (${pinWords[pin.source]}), which cannot be used now`);
	}
	const others = options
		.flatMap(option => option.candidates.map(candidate => ({option, candidate})))
		.filter(({candidate}) => candidate !== chosen)
		.sort(
			(a, b) =>
				(a.candidate.turn ?? Number.POSITIVE_INFINITY) - (b.candidate.turn ?? Number.POSITIVE_INFINITY),
		);
	for (const {option, candidate} of others) {
		const when = candidate.turn === undefined ? 'not tried' : `turn ${candidate.turn}`;
		const model = option === wanted ? '' : ` for ${clean(option.name)}`;
		lines.push(`${when.padEnd(11)}${clean(candidate.profileId)}${model}: ${candidate.why}`);
	}
	return lines;
}

const setModel = 'jarvis models set <provider>/<model>';
const noneConfigured = `none configured. Set one: ${setModel}`;

/** Said of a session that has neither a model nor a profile to keep to. */
export const nothingSet = [
	`model      ${noneConfigured}`,
	'profile    by the order of the provider that is asked for',
] as const;

/** Who made a pin. */
export const pinWords = {auto: 'kept', user: 'pinned', request: 'asked for'} as const;

/** What is wrong at `now` (epoch ms) with the profile that a person has pinned a session to; nothing mostly. */
export function pinFaultLines(
	{agentId, decision, pin, profiles}: Prepared,
	sessionKey: string,
	now: number,
): string[] {
	const [option] = decision.options;
	const place = option?.order.places.find(({profileId}) => profileId === pin?.profileId);
	if (!option?.isLocked || !place || place.reason === 'ok') return [];
	const id = clean(place.profileId);
	if (place.until !== undefined) return [`${id} is ${place.why}, back in ${span(place.until - now)}.`];
	const [remedy = ''] = remediesOf({
		...{agentId, option, now, before: {pin, sessionKey}},
		profiles: profiles.map(usable => factsOfUsable(usable)),
	});
	return [`${id} cannot be used now: ${place.why}.`, remedy];
}

/** The models that are configured, and the profiles that the agent can use for them. */
export function modelListLines({
	config,
	session,
	profiles,
}: {
	readonly config: Config;
	readonly session: Session | undefined;
	readonly profiles: readonly UsableProfile[];
}): string[] {
	const target = modelOfSession(config, session);
	const current = target?.kind === 'model' ? `${target.model.provider}/${target.model.model}` : undefined;
	const listed: readonly Pick<ListedModel, 'name' | 'provider' | 'aliases'>[] = listModels(config.models);
	const isListed = target?.kind !== 'model' || listed.some(({name}) => name === current);
	const models = isListed
		? listed
		: [{name: current ?? '', provider: target.model.provider, aliases: []}, ...listed];
	const lines = models.map(({name, provider, aliases}) => {
		const also = aliases.length > 0 ? ` (${aliases.map(alias => clean(alias)).join(', ')})` : '';
		const ids = profiles.filter(({credential}) => credential.provider === provider);
		const usable = ids.length > 0 ? ids.map(({profileId}) => clean(profileId)).join(', ') : 'no profile';
		return `${name === current ? '▸' : ' '} ${clean(name)}${also}: ${usable}`;
	});
	return lines.length > 0 ? lines : [`No model is configured. Set the primary one: ${setModel}`];
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
