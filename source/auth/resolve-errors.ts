import {JarvisError, shellWord} from '../errors.ts';
import {linkAdvice} from './profile-commands.ts';
import {
	type Failed,
	modelName,
	type PassedOver,
	type Prepared,
	passedOverBy,
	type ResolveRequest,
} from './resolve.ts';

/**
 * Why a request came to nothing: every profile that was passed over, with the reason, and what to do about
 * the one that is the most easily mended.
 */
export function nothingResolved(
	request: ResolveRequest,
	prepared: Prepared,
	failures: readonly Failed[],
): JarvisError {
	const {agentId, decision} = prepared;
	const all = passedOverBy(prepared, failures);
	const options = {details: {agentId, passedOver: all}};
	// Where one was asked for by name, the others are no news.
	const isNamed = prepared.pin?.source === 'request';
	const passedOver = isNamed ? all.filter(({reason}) => reason !== 'excluded_by_pin') : all;
	const [first] = failures;
	if (first) {
		const {code, message, next} = first.error;
		const others = passedOver.filter(({profileId}) => profileId !== first.candidate.place.profileId);
		const rest = others.length === 0 ? '' : ` ${reasons(others)}.`;
		const pinned = pinSentence(request, prepared);
		return new JarvisError(code, `${pinned.message}${message}${rest}`, `${next}${pinned.next}`, {
			...options,
			cause: first.error,
		});
	}
	const wanted = decision.options.map(modelName);
	const provider = decision.options[0]?.provider ?? '';
	if (passedOver.length === 0) {
		return new JarvisError(
			'no_credential',
			`The agent ${agentId} has no profile of ${[...new Set(decision.options.map(option => option.provider))].join(', ')}.`,
			loginCommand(agentId, provider),
			{details: {...options.details, provider}},
		);
	}
	const pinned = pinSentence(request, prepared);
	const soonest = passedOver
		.filter(({until}) => until !== undefined)
		.sort((a, b) => (a.until ?? 0) - (b.until ?? 0))[0];
	if (request.readyOnly && soonest) {
		return new JarvisError(
			'profiles_set_aside',
			`${pinned.message}The agent ${agentId} has no profile of ${wanted.join(', ')} that is ready. ${reasons(passedOver)}.`,
			`Wait, or have it used again: jarvis models auth cooldown clear ${shellWord(soonest.profileId)} --agent ${agentId}${pinned.next}`,
			options,
		);
	}
	if (passedOver.every(({reason}) => reason === 'already_tried')) {
		return new JarvisError(
			'profiles_set_aside',
			`${pinned.message}Every profile of ${wanted.join(', ')} that the agent ${agentId} has was tried for this request.`,
			`Try again later, or add another account. ${loginCommand(agentId, provider)}${pinned.next}`,
			options,
		);
	}
	// No login mends a ref.
	const reachable = passedOver.filter(({reason}) => !unreachable.includes(reason));
	if (reachable.length > 0 && reachable.every(({reason}) => reason === 'unresolved_ref')) {
		return new JarvisError(
			'unresolved_ref',
			`${pinned.message}The agent ${agentId} has no usable profile of ${wanted.join(', ')}. ${reasons(passedOver)}.`,
			`See what is wrong with each ref: jarvis secrets reload${pinned.next}`,
			options,
		);
	}
	// No login makes a server's tokens live longer.
	const isShort = passedOver.some(({reason}) => reason === 'short_lived');
	return new JarvisError(
		passedOver.some(({reason}) => reason === 'needs_login') ? 'needs_login' : 'no_credential',
		`${pinned.message}The agent ${agentId} has no usable profile of ${wanted.join(', ')}. ${reasons(passedOver)}.`,
		`${isShort ? 'Ask for less with --min-ttl.' : whatHelps(prepared, passedOver, provider)}${pinned.next}`,
		options,
	);
}

// What is left out, or not there, is not what stands in the way.
const unreachable: readonly PassedOver['reason'][] = [
	...(['excluded_by_auth_order', 'excluded_by_pin', 'unknown_profile', 'already_tried'] as const),
];

// What another program logs in and refreshes is for that program to mend.
function whatHelps(
	{agentId, profiles}: Prepared,
	passedOver: readonly PassedOver[],
	provider: string,
): string {
	const links = passedOver.map(
		({profileId}) => profiles.find(profile => profile.profileId === profileId)?.credential.link?.program,
	);
	const program = links.find(link => link !== undefined);
	const login = loginCommand(agentId, provider);
	if (program === undefined) return login;
	const run = linkAdvice(program);
	return links.includes(undefined) ? `${login} Or: ${run}` : run;
}

function reasons(passedOver: readonly PassedOver[]): string {
	return passedOver
		.map(({profileId, why, reason}) => `${profileId}: ${why.replace(/\.$/, '')} (${reason})`)
		.join('; ');
}

// A pin that a person made is never left silently.
function pinSentence(
	{sessionKey}: ResolveRequest,
	{agentId, pin, decision}: Prepared,
): {readonly message: string; readonly next: string} {
	const isInForce = pin?.source === 'user' && decision.options.some(({isLocked}) => isLocked);
	if (sessionKey === undefined || !isInForce) return {message: '', next: ''};
	return {
		message: `The session ${JSON.stringify(sessionKey)} is pinned to ${pin.profileId}, and no other profile is tried. `,
		next: ` Or let the session go: jarvis sessions send ${shellWord(sessionKey)} '/model default' --agent ${agentId}`,
	};
}

function loginCommand(agentId: string, provider: string): string {
	return `Log in: jarvis models auth login --provider ${provider} --agent ${agentId}`;
}
