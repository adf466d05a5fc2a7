import {asJarvisError, JarvisError} from '../errors.ts';
import type {JournalEntry} from '../store/read-journal.ts';
import type {Link} from '../store/schema.ts';
import {removeCommand, renewCommand} from './profile-commands.ts';
import type {Provider} from './providers/contract.ts';
import type {TokenFault} from './token-fault.ts';

/** Which profile a refresh was for. */
interface Subject {
	readonly provider: Provider;
	readonly agentId: string;
	readonly profileId: string;
}

/** The access token is over, and nothing is there to refresh it with. */
export function notRefreshable(context: Subject): JarvisError {
	return new JarvisError(
		'no_credential',
		`The access token of ${context.profileId} is over, and there is no refresh token.`,
		loginAgain(context),
	);
}

/** The profile is another program's login, which only that one refreshes. */
export function linkedElsewhere({profileId}: Subject, {program, file}: Link): JarvisError {
	return new JarvisError(
		'login_unsupported',
		`${profileId} is the login of ${program} (${file}), and is never refreshed here.`,
		`Run ${program}, which renews it. To have JARVIS refresh it: jarvis import ${program} --adopt`,
	);
}

/** The server refused the refresh token for good; `interrupted` tells of a refresh that may have spent it. */
export function refused(context: Subject, interrupted?: JournalEntry): JarvisError {
	const why = interrupted
		? ` A refresh that was cut off at ${new Date(interrupted.startedAt).toISOString()} may have spent it.`
		: '';
	return new JarvisError(
		'needs_login',
		`${context.provider.label} refused the refresh token of ${context.profileId}.${why}`,
		loginAgain(context),
	);
}

/** The refresh token was spent before, and what was issued for it is nowhere: it is not sent again. */
export function alreadySpent(context: Subject): JarvisError {
	return new JarvisError(
		'needs_login',
		`The refresh token of ${context.profileId} was spent before: an older version of its file was put back, and the newer token is in no copy. It was not sent again.`,
		loginAgain(context),
	);
}

/** The provider has no way to refresh. */
export function notRefreshableHere({provider, agentId, profileId}: Subject): JarvisError {
	return new JarvisError(
		'login_unsupported',
		`${provider.label} has no way to refresh ${profileId}.`,
		`Use another kind of credential, and remove this one: ${removeCommand({agentId, profileId})}`,
	);
}

/** The token is over and could not be refreshed now. Nothing was decided, nothing was changed. */
export function unavailable(context: Subject, fault: TokenFault): JarvisError {
	const {provider, profileId} = context;
	if (fault.kind === 'refused') {
		return new JarvisError(
			'refresh_refused',
			`${provider.label} refused to refresh ${profileId}: ${fault.details}. The profile is as it was.`,
			"Check the provider's client id and endpoints (docs/plugins.md).",
		);
	}
	if (fault.retryAt !== undefined) {
		const until = new Date(fault.retryAt).toISOString();
		return new JarvisError(
			'refresh_unavailable',
			`${profileId} could not be refreshed: ${provider.label} asked to wait until ${until} (${fault.details}). The profile is as it was.`,
			'Try again after that: until then it is not asked again.',
		);
	}
	return new JarvisError(
		'refresh_unavailable',
		`${profileId} could not be refreshed: ${provider.label} gave ${fault.details}. The profile is as it was.`,
		'Try again once the network or the server is back.',
	);
}

/**
 * The server has issued a new token, and the store did not take it. `isKept`: it is in the reply slot, and
 * nothing is lost.
 */
export function notStored(
	{profileId}: Pick<Subject, 'profileId'>,
	error: unknown,
	isKept: boolean,
): JarvisError {
	const {code, message, next} = asJarvisError(error);
	const what = isKept
		? `The new token of ${profileId} is kept, and is stored at its next use.`
		: `The new token of ${profileId} could not be kept: its next use may ask for a new login.`;
	return new JarvisError(code, `${message} ${what}`, next, {cause: error});
}

function loginAgain({provider, agentId, profileId}: Subject): string {
	return `Log in again: ${renewCommand({agentId, profileId, provider: provider.id, kind: 'oauth'})}`;
}
