import {statSync} from 'node:fs';
import {shellWord} from '../../errors.ts';
import {profileIdsIn} from '../../store/damaged.ts';
import {readTextIfThere, tryParseJson} from '../../store/json.ts';
import type {StatePaths} from '../../store/paths.ts';
import {readCredentials} from '../../store/profiles.ts';
import {journalsIfReadable} from '../../store/read-journal.ts';
import {damagedMark} from '../../store/restore.ts';
import {copiesOf} from '../../store/scrub.ts';
import {abandonedAfterMs, followLink} from '../../store/write.ts';
import {removeAfterLook, type SecretFinding} from './findings.ts';
import {commandFor, type HeldSecret} from './places.ts';
import {mendRef, takeRefsOut} from './ref-advice.ts';
import {staleIn} from './stale-copies.ts';

/** What the profiles of an agent hold that they need not. */
export function auditProfiles(
	paths: StatePaths,
	agentId: string,
	places: readonly HeldSecret[],
): SecretFinding[] {
	const found = places.flatMap(held => findingAt(held));
	const oauth = places.filter(({type, isLinked}) => type === 'oauth' && !isLinked).length;
	if (oauth === 0) return found;
	const file = paths.profiles(agentId);
	const message = `${file} holds the tokens of ${oauth === 1 ? 'an OAuth profile' : `${oauth} OAuth profiles`}: each refresh writes new ones.`;
	return [...found, {code: 'oauth_at_rest', file, agentId, message}];
}

/** Secrets in the copies of an agent's store which the store itself has no more. */
export async function auditStoreCopies(
	paths: StatePaths,
	agentId: string,
	now: number,
): Promise<SecretFinding[]> {
	const file = paths.profiles(agentId);
	const current = await readCredentials(paths, agentId);
	const journal = journalsIfReadable(paths);
	const {backups} = copiesOf(file);
	return auditCopies(file, now, text => {
		const document = tryParseJson(text);
		// What is no JSON was cut off, or damaged: nobody can tell all that is in it.
		if (!document) {
			const shown = profileIdsIn(text);
			return text.trim() === '' ? [] : shown.length > 0 ? shown : ['something that cannot be read'];
		}
		return staleIn(document, current, journal).map(({profileId}) => profileId);
	}).map(found => ({
		...found,
		agentId,
		// The other versions that a backup is kept for stay so.
		...(backups.includes(found.file) && tryParseJson(textOf(found.file)) ? {next: pruneCopies} : {}),
	}));
}

/** The command that takes secrets out of backups. */
const pruneCopies = 'jarvis secrets prune --copies';

/**
 * The copies of a file that hold something which the file has no more.
 * @param heldIn what a copy's text holds of that kind, in words
 */
export function auditCopies(file: string, now: number, heldIn: (text: string) => string[]): SecretFinding[] {
	const {backups, abandoned, others} = copiesOf(file);
	const isOld = (path: string) =>
		(statSync(path, {throwIfNoEntry: false})?.mtimeMs ?? now) < now - abandonedAfterMs;
	return [...backups, ...abandoned.filter(isOld), ...others].flatMap(path => {
		const text = textOf(path);
		const isKept = path.startsWith(`${followLink(file)}${damagedMark}`);
		// What another program has put there, a lock say, need not be JSON.
		const held = others.includes(path) && !isKept && !tryParseJson(text) ? [] : heldIn(text);
		if (held.length === 0) return [];
		const message = `${path} still holds secrets of ${held.join(', ')}.`;
		const next = isKept ? removeAfterLook(path) : `rm ${shellWord(path)}`;
		return [{code: 'plaintext_in_copy' as const, file: path, message, next}];
	});
}

function findingAt(held: HeldSecret): SecretFinding[] {
	const {place, file, type, secret, ref, isMalformed} = held;
	const about = {file, agentId: place.agentId, place: place.profileId};
	if (type === 'oauth') {
		if (!ref && !isMalformed) return [];
		const message = `${place.profileId} has OAuth tokens and a ref, which do not go together.`;
		return [{code: 'oauth_with_ref', ...about, message, next: takeRefsOut(file)}];
	}
	const seal = commandFor(place, 'secrets seal');
	const what = type === 'token' ? 'token' : 'API key';
	const message = `The ${what} of ${place.profileId} is in ${file} as it is.`;
	return [
		...(secret && ref
			? [
					{
						...{code: 'plaintext_beside_ref' as const, ...about, next: seal},
						message: `${message.slice(0, -1)}, beside a ref that is used in its place.`,
					},
				]
			: secret
				? [{code: 'plaintext_secret' as const, ...about, message, next: seal}]
				: []),
		...(isMalformed
			? [
					{
						...{code: 'malformed_ref' as const, ...about, next: mendRef(file)},
						message: `${place.profileId} has a ref that is none: its source or its id is wrong.`,
					},
				]
			: []),
	];
}

function textOf(path: string): string {
	try {
		return readTextIfThere(path) ?? '';
	} catch {
		// Its mode or owner is a finding of its own.
		return '';
	}
}
