import {type ErrorCode, JarvisError} from '../errors.ts';
import {span} from '../words.ts';
import {clearCommand} from './profile-commands.ts';
import {
	type Failed,
	modelName,
	type PassedOver,
	type Prepared,
	passedOverBy,
	type ResolveRequest,
} from './resolve.ts';
import {sessionLetGo} from './routing/change.ts';
import type {Decision} from './routing/decision.ts';
import {letInOf, remediesOf, type Stuck, sentence} from './routing/remedy.ts';
import {factsOfUsable} from './snapshot.ts';

/** A request that came to nothing, as those that tell of it look at it. */
interface Outcome extends Stuck {
	readonly request: ResolveRequest;
	/** All that was passed over; where one was asked for by name, the others are no news. */
	readonly passedOver: readonly PassedOver[];
	/** What was wanted, as a person writes it. */
	readonly wanted: string;
	/** A profile was asked for by name. */
	readonly isNamed: boolean;
	/** That a person has pinned the session, where that leaves no other profile; else nothing. */
	readonly pinned: string;
	/** The sentence that lets such a session go. */
	readonly letGo: readonly string[];
}

type Parts = readonly [code: ErrorCode, message: string, ...next: string[]];

/**
 * Why a request came to nothing: every profile that was passed over, with the reason, and what to do about
 * the one that stands in the way. A second thing that would help has a line of its own, so that each command
 * can be taken as it stands there.
 * @param now epoch ms
 */
export function nothingResolved(
	request: ResolveRequest,
	prepared: Prepared,
	failures: readonly Failed[],
	now: number,
): JarvisError {
	const {agentId, decision, pin} = prepared;
	const all = passedOverBy(prepared, failures);
	const isNamed = pin?.source === 'request';
	const [option] = decision.options;
	const [failed] = failures;
	const outcome: Outcome = {
		...{request, agentId, now, isNamed, ...pinWords(request, prepared)},
		// A target has one at least.
		option: option ?? {
			provider: '',
			isLocked: false,
			order: {provider: '', source: 'all profiles', places: []},
		},
		minTtlMs: request.minTtlMs,
		profiles: prepared.profiles.map(usable => factsOfUsable(usable)),
		before: {pin, sessionKey: request.sessionKey},
		passedOver: isNamed ? all.filter(({reason}) => reason !== 'excluded_by_pin') : all,
		wanted: decision.options.map(modelName).join(', '),
	};
	const [code, message, ...next] = failed ? afterFailed(outcome, failed) : withoutAny(outcome, decision);
	// Of nobody's provider it is asked whether there is one at all.
	const nobodys = all.length === 0 ? {provider: outcome.option.provider} : {};
	return new JarvisError(code, message, next.join('\n'), {
		details: {agentId, passedOver: all, ...nobodys},
		...(failed ? {cause: failed.error} : {}),
	});
}

function afterFailed({passedOver, pinned, letGo}: Outcome, {candidate, error}: Failed): Parts {
	const others = passedOver.filter(({profileId}) => profileId !== candidate.place.profileId);
	return [error.code, `${pinned}${error.message}${rest(others)}`, error.next, ...letGo];
}

function withoutAny(outcome: Outcome, {options}: Decision): Parts {
	const {request, agentId, passedOver, letGo} = outcome;
	if (passedOver.length === 0) {
		const providers = [...new Set(options.map(({provider}) => provider))].join(', ');
		return ['no_credential', `The agent ${agentId} has no profile of ${providers}.`, ...remediesOf(outcome)];
	}
	const [soonest] = passedOver
		.filter(({until}) => until !== undefined)
		.sort((a, b) => (a.until ?? 0) - (b.until ?? 0));
	if (request.readyOnly && soonest) {
		const clear = clearCommand({agentId, profileId: soonest.profileId});
		return ['profiles_set_aside', none(outcome, 'ready'), `Wait, or have it used again: ${clear}`, ...letGo];
	}
	// What is left out, or not there, is not what stands in the way.
	const inTheWay = passedOver.filter(({reason}) => !leftOut.includes(reason));
	const untried = inTheWay.filter(({reason}) => reason !== 'already_tried');
	if (inTheWay.length > 0 && untried.length === 0) return allTried(outcome);
	// No login mends a ref.
	if (untried.length > 0 && untried.every(({reason}) => reason === 'unresolved_ref')) {
		const next = 'See what is wrong with each ref: jarvis secrets reload';
		return ['unresolved_ref', none(outcome, 'usable'), next, ...letGo];
	}
	// No login makes a server's tokens live longer.
	const isShort = passedOver.some(({reason}) => reason === 'short_lived');
	const isRefused = passedOver.some(({reason}) => reason === 'needs_login');
	return [
		isShort ? 'short_lived' : isRefused ? 'needs_login' : 'no_credential',
		none(outcome, 'usable'),
		...(isShort ? ['Ask for less with --min-ttl.', ...letGo] : remediesOf(outcome)),
	];
}

function allTried(outcome: Outcome): Parts {
	const {agentId, passedOver, wanted, isNamed, pinned, letGo} = outcome;
	const letIn = letInOf(outcome);
	const others = passedOver.filter(({reason}) => reason !== 'already_tried');
	const isOneOfFew = isNamed || pinned !== '' || letIn !== undefined;
	return [
		'profiles_set_aside',
		`${pinned}Every profile of ${wanted} that the agent ${agentId} may use was tried for this request.${rest(others)}`,
		isOneOfFew
			? 'Try again later.'
			: `Try again later, or add another account: jarvis models auth add --agent ${agentId}`,
		...letGo,
		...(letIn ? [sentence(letIn, 'or ')] : []),
	];
}

/** That there is none, with all reasons. Nothing is claimed of those that were kept out. */
function none(
	{agentId, passedOver, wanted, isNamed, pinned, option, now}: Outcome,
	state: 'usable' | 'ready',
): string {
	const why = reasons(passedOver, now);
	if (isNamed) return `The profile that was asked for is not ${state}. ${why}.`;
	if (option.isLocked) return `${pinned}${why}.`;
	const isOrdered = passedOver.some(({reason}) => reason === 'excluded_by_auth_order');
	const which = `${wanted}${isOrdered ? ' in its order' : ''}`;
	return `${pinned}The agent ${agentId} has no ${state} profile of ${which}. ${why}.`;
}

const leftOut: readonly PassedOver['reason'][] = [
	...(['excluded_by_auth_order', 'excluded_by_pin', 'unknown_profile'] as const),
];

function rest(others: readonly PassedOver[]): string {
	return others.length === 0 ? '' : ` ${reasons(others)}.`;
}

function reasons(passedOver: readonly PassedOver[], now?: number): string {
	return passedOver
		.map(({profileId, why, reason, until}) => {
			const back = until === undefined || now === undefined ? '' : `, back in ${span(until - now)}`;
			return `${profileId}: ${why.replace(/\.$/, '')}${back} (${reason})`;
		})
		.join('; ');
}

// A pin that a person made is never left silently.
function pinWords(
	{sessionKey}: ResolveRequest,
	{agentId, pin, decision}: Prepared,
): Pick<Outcome, 'pinned' | 'letGo'> {
	const isInForce = pin?.source === 'user' && decision.options.some(({isLocked}) => isLocked);
	if (sessionKey === undefined || !isInForce) return {pinned: '', letGo: []};
	return {
		pinned: `The session ${JSON.stringify(sessionKey)} is pinned to ${pin.profileId}, and no other profile is tried. `,
		letGo: [sentence(sessionLetGo(agentId, sessionKey), 'or ')],
	};
}
