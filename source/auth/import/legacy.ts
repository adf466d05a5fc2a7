import {asJarvisError, JarvisError} from '../../errors.ts';
import {readConfig} from '../../store/config.ts';
import {clearFailures, putCredential} from '../../store/edit.ts';
import {
	isObject,
	type JsonObject,
	type JsonValue,
	member,
	objectMember,
	setMember,
	textMember,
} from '../../store/json.ts';
import {
	asideOf,
	broughtInBefore,
	isUnseen,
	type LegacyFile,
	markSeen,
	mendLegacy,
	readLegacy,
	scrub,
	setAside,
	wasSetAside,
} from '../../store/legacy.ts';
import {withLock} from '../../store/lock.ts';
import {isProviderId, mainAgentId, type StatePaths} from '../../store/paths.ts';
import {peekCredentials, updateCredentials} from '../../store/profiles.ts';
import {type AgentCredentials, type Credential, decodeCredential, optional} from '../../store/schema.ts';
import {makePrivate} from '../../store/write.ts';
import {claimsOf, claimText} from '../claims.ts';
import {clean} from '../facts.ts';
import {chooseProfileId} from '../login/keep.ts';
import {renewCommand} from '../profile-commands.ts';
import {oauthClientOf, type Provider} from '../providers/contract.ts';
import {readsMain} from '../usable.ts';
import {isNewer, isRefused, isSameAccount, isSameSecret, knownJournal, spentAt} from './compare.ts';

export interface LegacyContext {
	readonly paths: StatePaths;
	readonly findProvider: (id: string) => Promise<Provider>;
}

/** A credential that an older file held, and where it is now. */
export interface BroughtIn {
	readonly agentId: string;
	readonly profileId: string;
	readonly provider: string;
	readonly file: string;
}

export interface LegacyOutcome {
	readonly taken: readonly BroughtIn[];
	/** What could not be brought in. Each is told once, and stands in nobody's way. */
	readonly problems: readonly JarvisError[];
}

/**
 * Brings in what older files hold: `auth.json` of the main agent and of this one, and `credentials/oauth.json`
 * (docs/import.md). What is stored already is never replaced by something older; the new file is durable
 * before an old one is touched; to do it again changes nothing. Never throws.
 */
export async function bringInLegacy(context: LegacyContext, agentId: string): Promise<LegacyOutcome> {
	const {paths} = context;
	const taken: BroughtIn[] = [];
	const problems: JarvisError[] = [];
	try {
		await withLock(paths.locks, 'import-legacy', async () => {
			// The main agent's first: what another one shares with it is read of it.
			for (const id of new Set([mainAgentId, agentId])) {
				const file = paths.legacyAuth(id);
				await once(file, problems, async legacy => {
					const names = await takeAuth(context, id, file, legacy.entries, {taken, problems});
					makePrivate(file);
					const text = await scrub(file, legacy, names);
					if (text !== undefined) await markSeen(file, text);
				});
			}
			const file = paths.legacyOAuth;
			await once(file, problems, async ({text, entries}) => {
				if (wasSetAside(file)) {
					problems.push(broughtInBefore(file));
					return markSeen(file, text);
				}
				await takeOAuth(context, file, entries, {taken, problems});
				await setAside(file, text);
			});
		});
	} catch (error) {
		problems.push(notBroughtIn(error));
	}
	return {taken, problems};
}

/** Looks at a file that was not looked at yet. One that cannot be read is told once. */
async function once(
	file: string,
	problems: JarvisError[],
	take: (legacy: LegacyFile) => Promise<void>,
): Promise<void> {
	if (!isUnseen(file)) return;
	let legacy: LegacyFile | undefined;
	try {
		legacy = await readLegacy(file);
	} catch (error) {
		const {code, message} = asJarvisError(error);
		// Of what is no file, reading does not tell the name.
		const told = message.includes(file) ? message : `${file} cannot be read: ${message}`;
		problems.push(new JarvisError(code, `${told} Nothing of it was brought in.`, mendLegacy));
		await markSeen(file).catch(() => undefined);
		return;
	}
	if (!legacy) return;
	try {
		await take(legacy);
	} catch (error) {
		// A store that is damaged is told of by whoever reads it; this is for later then.
		if (!(error instanceof JarvisError && error.code === 'store_damaged'))
			problems.push(notBroughtIn(error, file));
	}
}

interface Gathered {
	readonly taken: BroughtIn[];
	readonly problems: JarvisError[];
}

/** Returns the entries that need not stay in the file. */
async function takeAuth(
	{paths}: LegacyContext,
	agentId: string,
	file: string,
	entries: JsonObject,
	{taken, problems}: Gathered,
): Promise<string[]> {
	const legacy = decoded(file, entries, problems);
	if (legacy.length === 0) return [];
	const journal = knownJournal(paths);
	const main = agentId === mainAgentId ? undefined : peekCredentials(paths, mainAgentId);
	const readsOfMain = await readConfig(paths).then(
		({agents}) => readsMain(agents, agentId),
		() => true,
	);
	const done = await updateCredentials(paths, agentId, (document, current) => {
		const ids: BroughtIn[] = [];
		const scrubbed: string[] = [];
		const conflicts: string[] = [];
		for (const {provider, raw, credential} of legacy) {
			const profileId = `${provider}:default`;
			const own = [...current.profiles.values()];
			const isHere = own.some(other => isKnown(other, credential));
			// Refresh material of the main agent is the main agent's: it is read there. A token of the same account
			// may be an older one of the same grant, which to refresh would end.
			const isMains = [...(main?.profiles.values() ?? [])].some(other =>
				readsOfMain ? isKnown(other, credential) : isSameSecret(other, credential),
			);
			const isSpent = credential.type === 'oauth' && spentAt(journal, credential) !== undefined;
			const isFree =
				!current.profiles.has(profileId) && !current.problems.some(other => other.profileId === profileId);
			const isStatic = credential.type === 'api_key';
			if (!isHere && isFree && !isSpent && (isStatic || !isMains)) {
				setMember(objectMember(document, 'profiles'), profileId, raw);
				ids.push({agentId, profileId, provider, file});
			} else if (isStatic && !isHere) {
				conflicts.push(provider);
				continue;
			}
			if (isStatic) scrubbed.push(provider);
		}
		return {ids, scrubbed, conflicts};
	});
	taken.push(...done.ids);
	for (const provider of done.conflicts) problems.push(anotherKey(file, agentId, provider));
	return done.scrubbed;
}

async function takeOAuth(
	context: LegacyContext,
	file: string,
	entries: JsonObject,
	{taken, problems}: Gathered,
): Promise<void> {
	const {paths} = context;
	const legacy = decoded(file, entries, problems, 'oauth');
	if (legacy.length === 0) return;
	const journal = knownJournal(paths);
	const all = await Promise.all(
		legacy.map(async item => ({...item, credential: await withAccount(context, item.credential)})),
	);
	const ids = await updateCredentials(paths, mainAgentId, (document, current) => {
		const put: BroughtIn[] = [];
		for (const {provider, raw, credential} of all) {
			if ([...current.profiles.values()].some(other => isSameSecret(other, credential))) continue;
			if (credential.type === 'oauth' && spentAt(journal, credential) !== undefined) continue;
			const profileId = chooseProfileId(current, credential);
			if (!isWelcome(current, profileId, credential)) continue;
			putCredential(document, profileId, credential);
			keepUnknown(document, profileId, raw);
			clearFailures(document, profileId);
			put.push({agentId: mainAgentId, profileId, provider, file});
		}
		return put;
	});
	taken.push(...ids);
}

// What is stored is only replaced by something newer, or where its server has refused it.
function isWelcome(current: AgentCredentials, profileId: string, credential: Credential): boolean {
	const present = current.profiles.get(profileId);
	if (!present) return !current.problems.some(other => other.profileId === profileId);
	if (present.type !== credential.type || present.link) return false;
	return isNewer(credential, present) || isRefused(present, current.usageStats.get(profileId));
}

function isKnown(stored: Credential, legacy: Credential): boolean {
	if (isSameSecret(stored, legacy)) return true;
	return stored.type === 'oauth' && legacy.type === 'oauth' && isSameAccount(stored, legacy);
}

interface LegacyEntry {
	readonly provider: string;
	/** As it is stored: with what this version does not know of it. */
	readonly raw: JsonObject;
	readonly credential: Credential;
}

function decoded(
	file: string,
	entries: JsonObject,
	problems: JarvisError[],
	usualType?: Credential['type'],
): LegacyEntry[] {
	const faults: string[] = [];
	const found = Object.entries(entries).flatMap(([provider, entry]) => {
		const raw = isObject(entry) ? {...typed(entry, usualType), ...entry, provider} : undefined;
		const credential = raw && isProviderId(provider) ? decodeCredential(raw) : 'names no provider';
		if (raw && typeof credential !== 'string' && hasSecret(credential)) return [{provider, raw, credential}];
		faults.push(clean(provider).slice(0, 64));
		return [];
	});
	if (faults.length > 0) {
		// The one of OAuth is set aside as a whole, with them.
		const where = usualType === 'oauth' ? `They are kept in ${asideOf(file)}` : 'They were left there';
		problems.push(
			new JarvisError(
				'import_refused',
				`${file} holds entries of a form that is not known here (${faults.join(', ')}). ${where}.`,
				'Log in anew: jarvis models auth login --provider <id>',
			),
		);
	}
	return found;
}

// Entries of old programs do not all say what they are.
function typed(entry: JsonObject, usual: Credential['type'] | undefined): JsonObject {
	if (member(entry, 'type') !== undefined || member(entry, 'mode') !== undefined) return {};
	if (usual) return {type: usual};
	if (textMember(entry, 'access') ?? textMember(entry, 'refresh')) return {type: 'oauth'};
	if (textMember(entry, 'key') ?? textMember(entry, 'apiKey')) return {type: 'api_key'};
	return textMember(entry, 'token') ? {type: 'token'} : {};
}

function hasSecret(credential: Credential): boolean {
	switch (credential.type) {
		case 'oauth':
			return (credential.access ?? credential.refresh) !== undefined;
		case 'token':
			return (credential.token ?? credential.tokenRef) !== undefined;
		case 'api_key':
			return (credential.key ?? credential.keyRef) !== undefined;
	}
}

async function withAccount({findProvider}: LegacyContext, credential: Credential): Promise<Credential> {
	if (credential.type !== 'oauth' || (credential.accountId && credential.email)) return credential;
	const provider = await findProvider(credential.provider).catch(() => undefined);
	const client = provider && oauthClientOf(provider);
	const claims = claimsOf(credential.access);
	return {
		...optional('accountId', claimText(client?.accountIdClaim, claims)),
		...optional('email', claimText(client?.emailClaim, claims)),
		...credential,
	};
}

function keepUnknown(document: JsonObject, profileId: string, raw: JsonObject): void {
	const entry = objectMember(objectMember(document, 'profiles'), profileId);
	for (const [key, value] of Object.entries(raw))
		if (!Object.hasOwn(entry, key)) setMember(entry, key, value as JsonValue);
}

function anotherKey(file: string, agentId: string, provider: string): JarvisError {
	return new JarvisError(
		'import_refused',
		`${file} holds another key of ${provider} than ${provider}:default. It was left there.`,
		`If it is still wanted, store it: ${renewCommand({agentId, profileId: `${provider}:old`, provider, kind: 'api_key'})}`,
	);
}

function notBroughtIn(error: unknown, file?: string): JarvisError {
	const {code, message, next} = asJarvisError(error);
	const what = file ?? 'What older files hold';
	return new JarvisError(code, `${what} could not be brought in: ${message}`, next, {cause: error});
}
