import {JarvisError, shellWord} from '../errors.ts';
import {span} from '../words.ts';
import {
	type Failed,
	modelName,
	type PassedOver,
	type Prepared,
	passedOverBy,
	type ResolveRequest,
} from './resolve.ts';
import {sessionLetGo} from './routing/change.ts';
import {letInOf, remediesOf, type Stuck, sentence} from './routing/remedy.ts';
import {factsOfUsable} from './snapshot.ts';

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
	const options = {details: {agentId, passedOver: all}};
	// Where one was asked for by name, the others are no news.
	const isNamed = pin?.source === 'request';
	const passedOver = isNamed ? all.filter(({reason}) => reason !== 'excluded_by_pin') : all;
	const [first] = failures;
	const pinned = pinWords(request, prepared);
	const letGo = pinned.letGo === undefined ? [] : [pinned.letGo];
	if (first) {
		const {code, message, next} = first.error;
		const others = passedOver.filter(({profileId}) => profileId !== first.candidate.place.profileId);
		const rest = others.length === 0 ? '' : ` ${reasons(others)}.`;
		return new JarvisError(code, `${pinned.message}${message}${rest}`, lines(next, ...letGo), {
			...options,
			cause: first.error,
		});
	}
	const wanted = decision.options.map(modelName);
	const [option] = decision.options;
	const provider = option?.provider ?? '';
	const login = `Log in: jarvis models auth login --provider ${provider} --agent ${agentId}`;
	if (passedOver.length === 0 || !option) {
		return new JarvisError(
			'no_credential',
			`The agent ${agentId} has no profile of ${[...new Set(decision.options.map(option => option.provider))].join(', ')}.`,
			login,
			options,
		);
	}
	const stuck: Stuck = {
		...{agentId, option, now, minTtlMs: request.minTtlMs},
		profiles: prepared.profiles.map(usable => factsOfUsable(usable)),
		before: {pin, sessionKey: request.sessionKey},
	};
	const soonest = passedOver
		.filter(({until}) => until !== undefined)
		.sort((a, b) => (a.until ?? 0) - (b.until ?? 0))[0];
	if (request.readyOnly && soonest) {
		return new JarvisError(
			'profiles_set_aside',
			`${pinned.message}The agent ${agentId} has no profile of ${wanted.join(', ')} that is ready. ${reasons(passedOver, now)}.`,
			lines(
				`Wait, or have it used again: jarvis models auth cooldown clear ${shellWord(soonest.profileId)} --agent ${agentId}`,
				...letGo,
			),
			options,
		);
	}
	// What is left out, or not there, is not what stands in the way.
	const inTheWay = passedOver.filter(({reason}) => !leftOut.includes(reason));
	const allAre = (reason: PassedOver['reason']) =>
		inTheWay.length > 0 && inTheWay.every(one => one.reason === reason);
	if (allAre('already_tried')) {
		const letIn = letInOf(stuck);
		const others = passedOver.filter(({reason}) => reason !== 'already_tried');
		const rest = others.length === 0 ? '' : ` ${reasons(others)}.`;
		return new JarvisError(
			'profiles_set_aside',
			`${pinned.message}Every profile of ${wanted.join(', ')} that the agent ${agentId} may use was tried for this request.${rest}`,
			lines(
				isNamed || pinned.letGo !== undefined || letIn
					? 'Try again later.'
					: `Try again later, or add another account: jarvis models auth add --agent ${agentId}`,
				...letGo,
				...(letIn ? [sentence(letIn, 'or ')] : []),
			),
			options,
		);
	}
	const isRef = inTheWay.filter(({reason}) => reason !== 'already_tried');
	// No login mends a ref.
	if (isRef.length > 0 && isRef.every(({reason}) => reason === 'unresolved_ref')) {
		return new JarvisError(
			'unresolved_ref',
			`${pinned.message}The agent ${agentId} has no usable profile of ${wanted.join(', ')}. ${reasons(passedOver)}.`,
			lines('See what is wrong with each ref: jarvis secrets reload', ...letGo),
			options,
		);
	}
	// No login makes a server's tokens live longer.
	const isShort = passedOver.some(({reason}) => reason === 'short_lived');
	return new JarvisError(
		passedOver.some(({reason}) => reason === 'needs_login') ? 'needs_login' : 'no_credential',
		`${pinned.message}The agent ${agentId} has no usable profile of ${wanted.join(', ')}. ${reasons(passedOver)}.`,
		isShort ? lines('Ask for less with --min-ttl.', ...letGo) : lines(...remediesOf(stuck)),
		options,
	);
}

const leftOut: readonly PassedOver['reason'][] = [
	...(['excluded_by_auth_order', 'excluded_by_pin', 'unknown_profile'] as const),
];

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
): {readonly message: string; readonly letGo?: string} {
	const isInForce = pin?.source === 'user' && decision.options.some(({isLocked}) => isLocked);
	if (sessionKey === undefined || !isInForce) return {message: ''};
	return {
		message: `The session ${JSON.stringify(sessionKey)} is pinned to ${pin.profileId}, and no other profile is tried. `,
		letGo: sentence(sessionLetGo(agentId, sessionKey), 'or '),
	};
}

function lines(...all: readonly string[]): string {
	return all.join('\n');
}
