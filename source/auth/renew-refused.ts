import {type ErrorCode, JarvisError} from '../errors.ts';
import {forgetRefusedAccess} from './report.ts';
import {type ResolveContext, refreshed} from './resolve.ts';
import type {UsableProfile} from './usable.ts';

/**
 * Refreshes a profile whose access token was reported as refused, once: of all that find it so, one asks, and
 * the others take what came.
 * @param agentId whose file has the report; the profile may be another agent's
 * @returns whether it holds another token now, or is known to hold no better one; false where it cannot be
 * refreshed at all, and is as good as it was
 * @throws as `freshCredential` does: one that cannot be refreshed now is passed over, as if it were over
 */
export async function renewRefused(
	context: ResolveContext,
	agentId: string,
	found: UsableProfile,
): Promise<boolean> {
	const {profileId, credential} = found;
	const rejected = credential.type === 'oauth' ? (credential.access ?? '') : '';
	try {
		const fresh = await refreshed(context, found, {rejected});
		// The report was about something else: it must not be asked for this one again and again.
		if (fresh.access === rejected) await forgetRefusedAccess(context.paths, {agentId, profileId});
		return true;
	} catch (error) {
		if (!(error instanceof JarvisError)) throw error;
		if (withoutRefresh.includes(error.code)) return false;
		const message = `The access token of ${profileId} was reported as refused. ${error.message}`;
		throw new JarvisError(error.code, message, error.next, {cause: error, details: error.details});
	}
}

const withoutRefresh: readonly ErrorCode[] = ['login_unsupported', 'provider_unknown', 'no_credential'];
