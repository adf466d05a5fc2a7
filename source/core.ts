import {existsSync} from 'node:fs';
import type {ProfileFacts} from './auth/facts.ts';
import type {GitAnswer, GitRequest} from './auth/git-credential.ts';
import type {HandOut, HandOutRequest} from './auth/hand-out.ts';
import {handOuts} from './auth/hand-outs.ts';
import type {FindContext, FoundLogins} from './auth/import/find.ts';
import type {TakenLogin, TakeRequest} from './auth/import/take.ts';
import type {Login, LoginResult} from './auth/login/contract.ts';
import type {OpenclawExport, OpenclawExportOptions} from './auth/openclaw/export.ts';
import type {OpenclawImport} from './auth/openclaw/import.ts';
import type {PluginFacts} from './auth/plugins.ts';
import type {ProbedProfile, ProbeOptions} from './auth/probe-profiles.ts';
import type {MethodName, Provider} from './auth/providers/contract.ts';
import type {RefreshOutcome} from './auth/refresh.ts';
import type {ClearedCooldown} from './auth/report.ts';
import {type ResolveContext, type Resolved, type ResolveRequest, resolve} from './auth/resolve.ts';
import type {Revocation} from './auth/revoke.ts';
import type {ListedBinding} from './auth/routing/bindings.ts';
import type {Failure, Success} from './auth/routing/rotation.ts';
import type {SecretFinding} from './auth/secrets/findings.ts';
import type {MovedSecret, Moves, SecretMove} from './auth/secrets/move.ts';
import type {PlaceFacts, SecretPlace} from './auth/secrets/places.ts';
import type {SecretsPlan} from './auth/secrets/plan.ts';
import type {SecretsReport} from './auth/secrets/runtime.ts';
import {openSecrets} from './auth/secrets/secrets.ts';
import type {SessionFacts} from './auth/session-facts.ts';
import {agentIds, type Snapshot, type SnapshotWishes} from './auth/snapshot.ts';
import type {Which} from './auth/which.ts';
import type {LinkFacts, SwitchedOn, SwitchOn, WriteBackContext} from './auth/write-back.ts';
import type {BrokerStatus} from './broker/contract.ts';
import type {Broker, BrokerOptions} from './broker/server.ts';
import type {Finding} from './doctor/findings.ts';
import type {Machine} from './doctor/subject.ts';
import {asJarvisError, JarvisError, shellWord} from './errors.ts';
import type {NewAgent} from './store/agents.ts';
import {type AuditEvent, type AuditSubject, appendAudit, parentProcess} from './store/audit-log.ts';
import type {AuditFilter, AuditFollower, LoggedEntry} from './store/audit-reader.ts';
import type {MatchWords} from './store/bindings.ts';
import {decodeConfig, readConfig} from './store/config.ts';
import {hasLegacy} from './store/legacy.ts';
import {
	assertAgentId,
	assertProfileId,
	mainAgentId,
	type StatePaths,
	stateFolder,
	statePaths,
} from './store/paths.ts';
import {listAgentIds} from './store/profiles.ts';

/** All that JARVIS takes from outside. What is absent is the real thing. */
export interface JarvisOptions {
	/** The state folder; `$JARVIS_STATE_DIR` or `~/.jarvis` if absent. */
	readonly stateDir?: string | undefined;
	readonly env?: NodeJS.ProcessEnv;
	/** Who acts, for the audit log: the words of a command, or the name of a program. */
	readonly by?: string;
	/** The time (epoch ms). */
	readonly now?: () => number;
	readonly fetch?: typeof fetch;
	/** Opens a URL in the person's browser. */
	readonly openBrowser?: (url: string) => Promise<void>;
	/** Tells a person what went wrong beside what was asked for, and did not keep it from being done. */
	readonly tell?: (text: string) => void;
}

export interface LoginRequest {
	readonly providerId: string;
	readonly agentId: string;
	readonly profileId?: string | undefined;
	/** The way to log in, by its name; the provider's first one if absent. */
	readonly method?: string | undefined;
	/** When a pasted secret runs out (epoch ms), if the person says so. */
	readonly expires?: number | undefined;
	/** Do not open a browser, whether or not there is one. */
	readonly noBrowser?: boolean;
	/** The IP address to listen on for the browser, in place of the redirect URI's own. */
	readonly callbackBind?: string | undefined;
	/** The person's browser is elsewhere, and the callback's port may be brought to it. */
	readonly offersShortUrl?: boolean;
}

/** A profile that was used, and by whom: the default agent if absent. */
export interface UsedProfile {
	readonly agentId?: string | undefined;
	readonly profileId: string;
}

/** A program that is to be kept in step: with what its agent uses now, unless a profile is named. */
export interface WriteBackRequest extends Omit<SwitchOn, 'agentId' | 'profileId'> {
	readonly agentId?: string | undefined;
	readonly profileId?: string | undefined;
}

export interface ProviderListing {
	readonly providers: ReadonlyMap<string, Provider>;
	/** Manifests that are left out, each with the reason. */
	readonly problems: readonly JarvisError[];
}

/** Whether a `resolve` found no profile of its provider to judge, as where that has another name. */
function foundNobody(error: unknown): boolean {
	if (!(error instanceof JarvisError)) return false;
	if (error.code === 'profile_foreign') return true;
	if (error.code !== 'no_credential') return false;
	const {passedOver} = error.details;
	return Array.isArray(passedOver) && passedOver.length === 0;
}

/** The one object that the dashboard and the commands are both made over. */
export type Jarvis = ReturnType<typeof openJarvis>;

/**
 * Opens a state folder. Nothing is read before it is asked for, and what is not needed is not loaded:
 * handing out a good token costs reading two files.
 */
export function openJarvis(options: JarvisOptions = {}) {
	const env = options.env ?? process.env;
	const now = options.now ?? Date.now;
	const paths: StatePaths = statePaths(options.stateDir ?? stateFolder(env));
	const network = {fetch: options.fetch ?? ((...request: Parameters<typeof fetch>) => fetch(...request))};

	/** Notes what was done in the audit log. Never fails. */
	function record(event: AuditEvent, subject: AuditSubject = {}): void {
		appendAudit(paths, {
			at: now(),
			event,
			...subject,
			by: subject.by ?? options.by ?? 'library',
			pid: process.pid,
			parent: parentProcess(),
		});
	}

	const noteHandOut = handOuts(record, now);

	/** All providers: built in, and declared by manifests. */
	async function providers(): Promise<ProviderListing> {
		const [{readManifests}, {providersFrom}] = await Promise.all([
			import('./store/manifests.ts'),
			import('./auth/providers/registry.ts'),
		]);
		const {manifests, problems} = readManifests(paths);
		return {providers: providersFrom(await readConfig(paths), manifests), problems};
	}

	async function provider(id: string): Promise<Provider> {
		const {findProvider} = await import('./auth/providers/registry.ts');
		return findProvider((await providers()).providers, id);
	}

	/** The id of a provider by any of its names; the name itself where no provider has it. */
	async function providerIdOf(name: string): Promise<string> {
		const [{providerNamed}, listing] = await Promise.all([
			import('./auth/providers/registry.ts'),
			providers(),
		]);
		return providerNamed(listing.providers, name)?.id ?? name;
	}

	/** The provider of any of its names, if there is one. What is built in needs no file to be read. */
	async function providerNamed(name: string): Promise<Provider | undefined> {
		const registry = await import('./auth/providers/registry.ts');
		return registry.builtInNamed(name) ?? registry.providerNamed((await providers()).providers, name);
	}

	/** The provider whose secret a git server takes. */
	async function gitProvider(host: string): Promise<Provider | undefined> {
		const {gitProviderOf} = await import('./auth/providers/registry.ts');
		return gitProviderOf(host) ?? gitProviderOf(host, (await providers()).providers.values());
	}

	/** The agent of a name, which must exist; the default agent where none is named. */
	async function agent(named: string | undefined): Promise<string> {
		const config = await readConfig(paths);
		const id = named === undefined ? (config.defaultAgent ?? mainAgentId) : assertAgentId(named);
		if (!agentIds(paths, config).includes(id)) {
			const {assertAgent} = await import('./store/agents.ts');
			assertAgent(paths, config, id);
		}
		await bringIn(id);
		return id;
	}

	const secrets = openSecrets({paths, env, now});

	async function loadSecrets(start?: {readonly partial: boolean}): Promise<SecretsReport> {
		const report = await (await secrets.runtime()).load(start);
		const {reportWords} = await import('./auth/secrets/report.ts');
		if (report.refs.length > 0 || !report.ok) record('secrets_changed', {note: reportWords(report)});
		return report;
	}

	/** What could not be brought in and was told to nobody: the snapshot has it. */
	const unread: JarvisError[] = [];

	/** Brings in what older files hold, the first time that it is found. Never throws. */
	async function bringIn(agentId: string): Promise<void> {
		if (!hasLegacy(paths, agentId)) return;
		const {bringInLegacy} = await import('./auth/import/legacy.ts');
		const {taken, problems} = await bringInLegacy({paths, findProvider: provider}, agentId);
		for (const {file, ...subject} of taken) record('imported', {...subject, note: `from ${file}`});
		for (const problem of problems) {
			if (options.tell) options.tell(`${problem.message} ${problem.next}`);
			else unread.push(problem);
		}
	}

	async function importContext(): Promise<FindContext> {
		return {paths, place: {env, platform: process.platform}, providers: (await providers()).providers};
	}
	const writeBackContext: WriteBackContext = {paths, env, now, record, tell: options.tell ?? (() => {})};

	/** Brings the programs up to date that are kept in step. Never throws. */
	async function keepInStep(): Promise<void> {
		if (!existsSync(paths.writeBack)) return;
		const {keepInStep} = await import('./auth/write-back.ts');
		await keepInStep(writeBackContext);
	}

	const resolveContext: ResolveContext = {
		...{paths, secrets, now, network, record, bringIn, keepInStep},
		findProvider: provider,
	};

	/** Notes where secrets have gone, and has every process that stays load them anew. */
	async function noteSecrets(moved: readonly Pick<MovedSecret, 'place' | 'ref'>[]): Promise<void> {
		const [{refKey}, {askForReload}] = await Promise.all([
			import('./auth/secrets/refs.ts'),
			import('./store/secrets-stamp.ts'),
		]);
		for (const {place, ref} of moved) {
			record('secrets_changed', {...place, note: `its secret is in ${ref ? refKey(ref) : 'the file'} now`});
		}
		if (moved.length > 0) askForReload(paths);
	}

	async function moveSecrets(moves: readonly SecretMove[], how: {readonly dryRun: boolean}): Promise<Moves> {
		const {moveSecrets} = await import('./auth/secrets/move.ts');
		const done = await moveSecrets({paths, env}, moves, how);
		if (!how.dryRun) await noteSecrets(done.secrets.filter(({outcome}) => outcome === 'moved'));
		return done;
	}

	/** Seals what a login brought where a sealed secret stood before. Never throws: it is told, and in the log. */
	async function sealAgain({agentId, profileId, wasSealed}: LoginResult): Promise<void> {
		if (!wasSealed) return;
		try {
			await moveSecrets([{place: {agentId, profileId}, to: 'seal'}], {dryRun: false});
		} catch (error) {
			const {message} = asJarvisError(error);
			record('secrets_changed', {agentId, profileId, note: 'its new secret could not be sealed'});
			options.tell?.(
				`${profileId} was sealed, and its new secret is in plain text: ${message} Seal it: jarvis secrets seal ${shellWord(profileId)} --agent ${agentId}`,
			);
		}
	}

	async function used({agentId, profileId}: UsedProfile) {
		return {profileId, agentId: await agent(agentId)};
	}

	return {
		paths,
		env,
		now,
		record,
		providers,
		providerIdOf,
		/** Throws `provider_unknown` unless there is a provider of this name. */
		async assertProvider(name: string) {
			await provider(name);
		},
		agent,

		/** All agents as they are on the disk, without any secret; what is wished besides. */
		async snapshot(wanted: SnapshotWishes = {}): Promise<Snapshot> {
			const {readSnapshot} = await import('./auth/snapshot.ts');
			const ids = await Promise.resolve(paths)
				.then(listAgentIds)
				.catch(() => []);
			for (const id of ids) await bringIn(id);
			const snapshot = await readSnapshot(paths, wanted, secrets);
			return {...snapshot, problems: [...snapshot.problems, ...unread]};
		},

		/**
		 * Loads the secrets that are kept elsewhere, for a program that stays: from then on requests read what was
		 * loaded and ask no source. With `partial`, what does not resolve is only told. Throws `secrets_unresolved`,
		 * with `details.report`.
		 */
		async activateSecrets(start: {readonly partial: boolean} = {partial: false}): Promise<SecretsReport> {
			const report = await loadSecrets(start);
			if (report.ok || start.partial) return report;
			const {secretsUnresolved} = await import('./auth/secrets/report.ts');
			throw secretsUnresolved(report);
		},

		/**
		 * Loads the secrets that are kept elsewhere anew: all, or none. Never throws: where one does not resolve,
		 * what was loaded before stays in use, and the report says why.
		 */
		reloadSecrets: () => loadSecrets(),

		/** Has every process that stays load its secrets anew, as `reloadSecrets` does here. Throws what the store throws. */
		async askForSecretsReload() {
			const {askForReload} = await import('./store/secrets-stamp.ts');
			askForReload(paths);
		},

		/**
		 * Loads the secrets anew whenever another process asks for it, and tells what came of it. Returns a function
		 * that ends it.
		 */
		async followSecrets(told: (report: SecretsReport) => void): Promise<() => void> {
			const {watchForReload} = await import('./store/secrets-stamp.ts');
			return watchForReload(paths, () => {
				void loadSecrets().then(told);
			});
		},

		/** What is found of secrets at rest, of files that others can read and of refs. Throws as `auditSecrets` does. */
		async auditSecrets(): Promise<SecretFinding[]> {
			const {auditSecrets} = await import('./auth/secrets/audit.ts');
			return auditSecrets({paths, env, now});
		},

		/** Where secrets or refs are, of all agents; no secret. Throws as `readPlaces` does. */
		async secretPlaces(): Promise<PlaceFacts[]> {
			const {placeFacts, readPlaces} = await import('./auth/secrets/places.ts');
			return (await readPlaces(paths)).map(placeFacts);
		},

		/** Takes secrets out of their files and leaves refs. Throws as `moveSecrets` does. */
		moveSecrets,

		/**
		 * Plans moves, in a file beside the credentials or in another one. Returns the whole plan. Throws as
		 * `addToPlan` does.
		 */
		async planSecrets(moves: SecretsPlan, file = paths.secretsPlan): Promise<SecretsPlan> {
			const {addToPlan} = await import('./auth/secrets/plan.ts');
			return addToPlan(paths, file, moves);
		},

		/** Carries a plan out, and removes it when all of it is done. Throws as `carryOutPlan` and `moveSecrets` do. */
		async applySecretsPlan(how: {readonly dryRun: boolean}, file = paths.secretsPlan): Promise<Moves> {
			const {carryOutPlan, readPlan} = await import('./auth/secrets/plan.ts');
			if (how.dryRun) return moveSecrets(readPlan(file), how);
			return carryOutPlan(paths, file, plan => moveSecrets(plan, how));
		},

		/** Puts sealed secrets back into their files. Throws as `putBack` does. */
		async putSecretsBack(places: readonly SecretPlace[]): Promise<void> {
			const {putBack} = await import('./auth/secrets/put-back.ts');
			await putBack({paths, env}, places);
			await noteSecrets(places.map(place => ({place})));
		},

		/** Removes the sealed secrets that no file names. Throws as `pruneSealed` does. */
		async pruneSealed() {
			const {pruneSealed} = await import('./auth/secrets/prune.ts');
			const pruned = await pruneSealed(paths);
			if (pruned.removed.length > 0)
				record('secrets_changed', {note: `removed ${pruned.removed.join(', ')}`});
			return pruned;
		},

		/**
		 * The credential that an agent uses now for a provider, a model or a session, refreshed if need be,
		 * and why it is this one. Throws as `resolve` does (docs/library.md).
		 */
		async resolve(request: ResolveRequest): Promise<Resolved> {
			const agentId = request.agentId === undefined ? undefined : await agent(request.agentId);
			// Beside a model it is only compared with the model's own, by its id.
			const providerId =
				request.providerId === undefined || request.model === undefined
					? request.providerId
					: await providerIdOf(request.providerId);
			const resolved = await resolve(resolveContext, {...request, agentId, providerId}).catch(async error => {
				// Other names of providers are known to the registry, which a good token does not load.
				if (providerId === undefined || !foundNobody(error)) throw error;
				const id = await providerIdOf(providerId);
				if (id === providerId) throw error;
				return resolve(resolveContext, {...request, agentId, providerId: id});
			});
			if (!request.unrecorded) noteHandOut(resolved, request.by);
			return resolved;
		},

		/**
		 * The whole decision that `resolve` would make now: every candidate in the order in which it would be
		 * tried, and those that would not, with the reasons. Nothing is refreshed. Throws as `prepare` does.
		 */
		async which(request: ResolveRequest): Promise<Which> {
			const [{explain}, agentId] = await Promise.all([import('./auth/which.ts'), agent(request.agentId)]);
			return explain(resolveContext, {...request, agentId});
		},

		/**
		 * The environment for a program that is to work with an agent's credentials, refreshed if need be. Throws as
		 * `handOut` does.
		 * @param program what it is for, as the audit log is to name it
		 */
		async handOut(
			request: Omit<HandOutRequest, 'agentId'> & {readonly agentId?: string | undefined},
			program: string,
		): Promise<HandOut> {
			const [{handOut}, agentId] = await Promise.all([import('./auth/hand-out.ts'), agent(request.agentId)]);
			const handedOut = await handOut({...resolveContext, env, providerNamed}, {...request, agentId});
			for (const {profileId, provider} of handedOut.given)
				record('handed_out', {agentId, profileId, provider, note: `to ${program}`});
			return handedOut;
		},

		/**
		 * What git asks its credential helper for: an answer to `get`, if there is one for the host. Throws as
		 * `answerGit` does.
		 */
		async answerGit(
			request: Omit<GitRequest, 'agentId'> & {readonly agentId?: string | undefined},
		): Promise<GitAnswer | undefined> {
			const [{answerGit}, agentId] = await Promise.all([
				import('./auth/git-credential.ts'),
				agent(request.agentId),
			]);
			const answer = await answerGit({...resolveContext, providerNamed, gitProvider}, {...request, agentId});
			if (answer) {
				const {profileId, provider} = answer;
				record('handed_out', {agentId, profileId, provider, note: `to git, for ${request.asked.host}`});
			}
			return answer;
		},

		/**
		 * Notes that a git server took a credential, or refused it, if it is one that was given and still is the
		 * newest. Throws as `noteGitOutcome` does.
		 */
		async noteGitOutcome(
			request: Omit<GitRequest, 'agentId'> & {readonly agentId?: string | undefined},
			outcome: 'accepted' | 'refused',
		) {
			const [{noteGitOutcome}, agentId] = await Promise.all([
				import('./auth/git-credential.ts'),
				agent(request.agentId),
			]);
			const noted = await noteGitOutcome(
				{...resolveContext, providerNamed, gitProvider},
				{...request, agentId},
				outcome,
			);
			if (noted && outcome === 'refused')
				record('failure_reported', {agentId, ...noted, note: `${request.asked.host} refused it`});
		},

		/** What a person means by a word: a model, if it is an alias or holds a `/` or an `@`, else a provider. */
		async targetNamed(text: string): Promise<Pick<ResolveRequest, 'providerId' | 'model'>> {
			const {aliases} = (await readConfig(paths)).models;
			const isAlias = [...aliases.keys()].some(alias => alias.toLowerCase() === text.toLowerCase());
			return isAlias || /[/@]/.test(text) ? {model: text} : {providerId: await providerIdOf(text)};
		},

		/**
		 * Notes that a profile worked in use. Give `startedAt` (epoch ms), when the request began: one that
		 * began before a failure does not undo it. Throws `profile_unknown`, and what the store throws.
		 */
		async reportSuccess(profile: UsedProfile, success: Partial<Success> = {}) {
			const {reportSuccess} = await import('./auth/report.ts');
			await reportSuccess(paths, await used(profile), {at: now(), ...success});
		},

		/**
		 * Notes that a profile failed in use, and sets it aside as docs/routing.md says. Throws
		 * `profile_unknown`, and what the store throws.
		 */
		async reportFailure(profile: UsedProfile, failure: Omit<Failure, 'at'> & Partial<Pick<Failure, 'at'>>) {
			const {reportFailure} = await import('./auth/report.ts');
			const of = await used(profile);
			await reportFailure(paths, of, {at: now(), ...failure});
			record('failure_reported', {...of, note: failure.reason});
		},

		/**
		 * Forgets the failures of a profile, so that it is used again at once. Throws `profile_unknown`, and what the store throws.
		 */
		async clearCooldown(profile: UsedProfile): Promise<ClearedCooldown> {
			const {clearCooldown} = await import('./auth/report.ts');
			const of = await used(profile);
			const cleared = await clearCooldown(paths, of, now());
			record('cooldown_cleared', of);
			return cleared;
		},

		/** The sessions of an agent, the one that changed last first. Throws what the store throws. */
		async sessions(agentId: string | undefined): Promise<readonly SessionFacts[]> {
			const {listSessions} = await import('./auth/session-facts.ts');
			return listSessions(paths, await agent(agentId));
		},

		/**
		 * Carries out a slash command in a session. Returns what is to be told. Throws as `sendToSession` does.
		 */
		async sendToSession(agentId: string | undefined, key: string, line: string): Promise<readonly string[]> {
			const {sendToSession} = await import('./auth/sessions.ts');
			return sendToSession(resolveContext, await agent(agentId), key, line);
		},

		/** Begins a session anew: without a model or a profile of its own. Throws `session_unknown`. */
		async resetSession(agentId: string | undefined, key: string) {
			const {beginAnew} = await import('./auth/sessions.ts');
			await beginAnew(resolveContext, await agent(agentId), key);
		},

		/** Notes that a session's history was compacted: its automatic pin ends. Throws `session_unknown`. */
		async sessionCompacted(agentId: string | undefined, key: string) {
			const {noteCompaction} = await import('./auth/sessions.ts');
			await noteCompaction(resolveContext, await agent(agentId), key);
		},

		/**
		 * Refreshes a profile: `'expired'` only if its token is over, `'always'` also if it is still good, or if it
		 * runs out within a time (ms). Throws as `freshCredential` does.
		 */
		async refresh(
			profile: {readonly agentId: string; readonly profileId: string; readonly provider: string},
			when: 'expired' | 'always' | {readonly withinMs: number},
		): Promise<RefreshOutcome['how']> {
			const [{freshCredential}, {readCredentials}] = await Promise.all([
				import('./auth/refresh.ts'),
				import('./store/profiles.ts'),
			]);
			const {agentId, profileId} = profile;
			const present = (await readCredentials(paths, agentId)).profiles.get(profileId);
			const rejected = when === 'always' && present?.type === 'oauth' ? present.access : undefined;
			const {how} = await freshCredential({
				...{paths, agentId, profileId, network, now, keepInStep, record},
				provider: await provider(profile.provider),
				...(rejected === undefined ? {} : {rejected}),
				...(typeof when === 'object' ? {minTtlMs: when.withinMs} : {}),
			});
			return how;
		},

		/**
		 * Starts a login. Throws `provider_unknown`, `login_unsupported`, `profile_invalid_id`, `store_damaged`; all later is
		 * in its state.
		 */
		async startLogin(request: LoginRequest): Promise<Login> {
			const [{startLogin}, {findMethod, findProvider}, listing] = await Promise.all([
				import('./auth/login/login.ts'),
				import('./auth/providers/registry.ts'),
				providers(),
			]);
			const {providerId, agentId, profileId, noBrowser, expires, callbackBind} = request;
			const provider = findProvider(listing.providers, providerId);
			// A login whose tokens could not be stored would spend its code for nothing.
			const {readCredentials} = await import('./store/profiles.ts');
			await readCredentials(paths, agentId);
			const login = startLogin({
				...{paths, agentId, network, now, record},
				...{provider, method: findMethod(provider, request.method)},
				...(expires === undefined ? {} : {expires}),
				providers: listing.providers,
				...(callbackBind === undefined ? {} : {callbackBind}),
				...(request.offersShortUrl ? {offersShortUrl: true} : {}),
				...(profileId === undefined ? {} : {profileId: assertProfileId(profileId)}),
				...(options.openBrowser && !noBrowser ? {openBrowser: options.openBrowser} : {}),
			});
			const finished = login.finished.then(async outcome => {
				if (outcome.step === 'done') {
					await sealAgain(outcome.result);
					await keepInStep();
				}
				if (outcome.step === 'failed') {
					record('login_failed', {agentId, profileId, provider: provider.id, note: outcome.error.code});
				}
				return outcome;
			});
			return {...login, finished};
		},

		/**
		 * The way to log in that fits the machine best: without a browser one that needs none here. Throws
		 * `provider_unknown`.
		 */
		async bestMethod(providerId: string, around: {readonly browser: boolean}): Promise<MethodName> {
			const {methodsFor} = await import('./auth/providers/registry.ts');
			return methodsFor(await provider(providerId), around)[0].method;
		},

		/**
		 * The logins of other programs on this machine, without secrets, and how each stands to what an agent has.
		 * Throws what reading the agent's file throws.
		 */
		async foundLogins(agentId: string): Promise<FoundLogins> {
			const {findLogins} = await import('./auth/import/find.ts');
			return findLogins(await importContext(), agentId);
		},

		/** Takes a login of another program over. Throws as `takeLogin` does. */
		async importLogin(request: TakeRequest): Promise<TakenLogin> {
			const {takeLogin} = await import('./auth/import/take.ts');
			const taken = await takeLogin(await importContext(), request);
			const {agentId, profileId, provider, how, file} = taken;
			record('imported', {
				...{agentId, profileId, provider},
				note: how === 'adopt' ? `adopted from ${file}` : `linked to ${file}`,
			});
			return taken;
		},

		/** Ends a login that waits in another process. Throws as `finishLogin` does. */
		async finishLogin(pasted: string) {
			const {finishLogin} = await import('./auth/login/finish.ts');
			const world = {paths, network, now, record, providers: (await providers()).providers};
			const finished = await finishLogin(world, pasted);
			await sealAgain(finished);
			await keepInStep();
			return finished;
		},

		/** Adds an agent. Throws as `addAgent` does. */
		async addAgent(newAgent: NewAgent) {
			const {addAgent} = await import('./store/agents.ts');
			await addAgent(paths, newAgent);
			record('agent_added', {agentId: newAgent.id});
		},

		/** Deletes an agent. Returns how many bindings went with it. Throws as `deleteAgent` does. */
		async deleteAgent(agentId: string): Promise<number> {
			const {deleteAgent} = await import('./store/agents.ts');
			const bindings = await deleteAgent(paths, agentId);
			await keepInStep();
			record('agent_deleted', {agentId});
			return bindings;
		},

		/** Makes an agent the default one. Throws as `setDefaultAgent` does. */
		async setDefaultAgent(agentId: string) {
			const {setDefaultAgent} = await import('./store/agents.ts');
			await setDefaultAgent(paths, agentId);
		},

		/**
		 * Asks providers whether profiles work, one cheap request each, and notes what was learned. Throws what the
		 * store throws.
		 */
		async probe(profiles: readonly ProfileFacts[], options: ProbeOptions): Promise<ProbedProfile[]> {
			const {probeProfiles} = await import('./auth/probe-profiles.ts');
			return probeProfiles(resolveContext, profiles, options);
		},

		/**
		 * Ends a profile at its server where that can be asked, and removes it here. Throws `profile_unknown`, and
		 * what the store throws.
		 */
		async logOut(agentId: string, profileId: string): Promise<Revocation> {
			const {logOut} = await import('./auth/revoke.ts');
			const revocation = await logOut({...resolveContext, agentId, profileId});
			await keepInStep();
			const note = `at its server: ${revocation.outcome}`;
			record('logout', {agentId, profileId, note});
			return revocation;
		},

		/** Removes a profile and its secrets. Throws `profile_unknown`, and what the store throws. */
		async removeProfile(agentId: string, profileId: string) {
			const {removeProfile} = await import('./auth/manage.ts');
			await removeProfile(paths, agentId, profileId);
			await keepInStep();
			record('removed', {agentId, profileId});
		},

		/** Gives a profile another id. Throws as `renameProfile` does. */
		async renameProfile(agentId: string, from: string, to: string) {
			const {renameProfile} = await import('./auth/manage.ts');
			await renameProfile(paths, agentId, from, to);
			const {renameInLinks} = await import('./store/write-back.ts');
			await renameInLinks(paths, agentId, from, to);
			record('renamed', {agentId, profileId: from, note: `to ${to}`});
		},

		/** Sets an agent's explicit order of a provider, or takes it away. Throws as `changeOrder` does. */
		async setOrder(agentId: string, providerId: string, ids: readonly string[] | undefined) {
			const {changeOrder} = await import('./auth/manage.ts');
			await changeOrder(paths, agentId, providerId, ids);
			record('order_changed', {agentId, provider: providerId, note: ids?.join(', ') ?? 'taken away'});
		},

		/** The secret of a profile, for a person who asked for it. Throws as `revealSecret` does. */
		async revealSecret(agentId: string, profileId: string): Promise<string> {
			const {revealSecret} = await import('./auth/manage.ts');
			const secret = await revealSecret(paths, secrets, agentId, profileId);
			record('handed_out', {agentId, profileId, note: 'to a person'});
			return secret;
		},

		/**
		 * The newest entries of the audit log that are wanted, the newest last: what was done with credentials, and
		 * by whom. Throws system errors.
		 */
		async auditLog(filter: AuditFilter, limit: number): Promise<LoggedEntry[]> {
			const {readAuditLog} = await import('./store/audit-reader.ts');
			return readAuditLog(paths, filter, limit);
		},

		/** Tells of what is appended to the audit log from now on, by whichever process. Throws system errors. */
		async followAuditLog(onEntries: (entries: readonly LoggedEntry[]) => void): Promise<AuditFollower> {
			const {followAuditLog} = await import('./store/audit-reader.ts');
			return followAuditLog(paths, onEntries);
		},

		/**
		 * All that is wrong around the credentials, the worst first (docs/doctor.md). Changes nothing; asks no server
		 * unless `online`. Throws system errors.
		 */
		async doctor(options: {readonly online?: boolean; readonly machine?: Machine} = {}): Promise<Finding[]> {
			const [{examine, thisMachine}, {providersFrom}] = await Promise.all([
				import('./doctor/doctor.ts'),
				import('./auth/providers/registry.ts'),
			]);
			// A damaged jarvis.json is a finding, and keeps none of the others back.
			const listing = await providers().catch(() => ({providers: providersFrom(decodeConfig({}), [])}));
			const {online = false, machine = thisMachine()} = options;
			return examine({
				paths,
				env,
				now,
				network,
				secrets,
				record,
				online,
				machine,
				providers: listing.providers,
			});
		},

		/** Does what a finding says that can be done about it. Throws what that throws. */
		async mend({id, where, mend}: Finding) {
			if (!mend) return;
			await mend.run();
			record('repaired', {note: `${id}: ${mend.what} (${where})`});
		},

		/**
		 * The programs with login files of their own that are kept in step, each after a look at its file. Changes
		 * nothing. Throws what the store throws.
		 */
		async writeBacks(): Promise<readonly LinkFacts[]> {
			const {linkFacts} = await import('./auth/write-back.ts');
			return linkFacts(paths);
		},

		/**
		 * Puts a profile's token into a program's own login file, and again after each refresh: what the agent
		 * uses now, unless a profile is named. Throws as `resolve` and `switchOn` do.
		 */
		async switchWriteBackOn(request: WriteBackRequest): Promise<SwitchedOn> {
			const [{programAt, switchOn}, {whileNotRefreshed}, agentId] = await Promise.all([
				import('./auth/write-back.ts'),
				import('./auth/refresh.ts'),
				agent(request.agentId),
			]);
			const {program} = programAt(writeBackContext, request.program, request.home);
			const {profileId} = request;
			const used = await resolve(resolveContext, {agentId, profileId, providerId: program.provider});
			const linked = {agentId: used.owner ?? agentId, profileId: used.profileId};
			return whileNotRefreshed(
				{...resolveContext, ...linked, provider: await provider(program.provider)},
				credential => switchOn(writeBackContext, {...request, ...linked}, credential),
			);
		},

		/** Keeps a program in step no longer. Its file stays as it is. Throws as `switchOff` does. */
		async switchWriteBackOff(named: Pick<WriteBackRequest, 'program' | 'home'>) {
			const {switchOff} = await import('./auth/write-back.ts');
			return switchOff(writeBackContext, named);
		},

		/** Brings the programs up to date that are kept in step, as each refresh does. Never throws. */
		keepInStep,

		/**
		 * Brings an openclaw state folder in, `$OPENCLAW_STATE_DIR` or `~/.openclaw` if none is named. Throws as
		 * `importOpenclaw` does.
		 */
		async importOpenclaw(
			folder: string | undefined,
			{dryRun}: {readonly dryRun: boolean},
		): Promise<OpenclawImport> {
			const [{importOpenclaw}, {openclawHome}] = await Promise.all([
				import('./auth/openclaw/import.ts'),
				import('./store/openclaw/folder.ts'),
			]);
			const done = await importOpenclaw(paths, folder ?? openclawHome(env), {dryRun});
			for (const {agentId, profileId, provider, outcome} of dryRun ? [] : done.profiles) {
				const isTaken = outcome === 'added' || outcome === 'renewed' || outcome === 'access_only';
				if (isTaken) record('imported', {agentId, profileId, provider, note: `from openclaw: ${outcome}`});
			}
			return done;
		},

		/** Writes an openclaw state folder. Throws as `exportOpenclaw` does, and `agent_unknown`. */
		async exportOpenclaw(folder: string, wanted: OpenclawExportOptions): Promise<OpenclawExport> {
			const {exportOpenclaw} = await import('./auth/openclaw/export.ts');
			const agentId = wanted.agentId === undefined ? undefined : await agent(wanted.agentId);
			const done = await exportOpenclaw(resolveContext, folder, {...wanted, agentId});
			for (const {agentId, profileId, provider, outcome} of done.profiles) {
				record('exported', {agentId, profileId, provider, note: `to openclaw: ${outcome}`});
			}
			return done;
		},

		/** All plugins, those that are out of use with the reason. Loads no code of them. */
		async plugins(): Promise<PluginFacts[]> {
			const {listPlugins} = await import('./auth/plugins.ts');
			return listPlugins(paths);
		},

		/**
		 * Adds a plugin: a folder, a file or a package, relative to `cwd`. A module is loaded once, to ask what it
		 * offers. Returns what was added. Throws as `addPlugin` does.
		 */
		async addPlugin(named: string, cwd: string): Promise<PluginFacts[]> {
			const {addPlugin} = await import('./auth/plugins.ts');
			const added = await addPlugin(paths, named, cwd);
			for (const {id} of added) record('plugin_added', {provider: id});
			return added;
		},

		/** Removes a plugin; its profiles stay. Throws `plugin_unknown`, and what the store throws. */
		async removePlugin(id: string) {
			const {removePlugin} = await import('./store/plugins.ts');
			await removePlugin(paths, id);
			record('plugin_removed', {provider: id});
		},

		/** Serves the state folder on a Unix socket until it is stopped. Throws as `startBroker` does. */
		async startBroker(brokerOptions: BrokerOptions = {}): Promise<Broker> {
			const {startBroker} = await import('./broker/server.ts');
			return startBroker(openJarvis(options), brokerOptions);
		},

		/** Whether a broker answers, and what it says of itself. Throws as `brokerStatus` does. */
		async brokerStatus(socket?: string): Promise<BrokerStatus> {
			const {brokerStatus} = await import('./broker/client.ts');
			return brokerStatus(paths, socket);
		},

		/** Has the broker end. Throws as `stopBroker` does. */
		async stopBroker(socket?: string): Promise<{readonly pid: number}> {
			const {stopBroker} = await import('./broker/client.ts');
			return stopBroker(paths, socket);
		},

		/** All bindings, those that are out of use with the reason. Throws as `readConfig` does. */
		async bindings(): Promise<ListedBinding[]> {
			const {listBindings} = await import('./auth/routing/bindings.ts');
			const config = await readConfig(paths);
			return listBindings(config, agentIds(paths, config));
		},

		/** Binds messages to an agent. Throws as `matchOf` and `bind` do. */
		async bind(agentId: string, words: MatchWords) {
			const {bind, matchOf} = await import('./store/bindings.ts');
			const match = matchOf(words);
			return {match, outcome: await bind(paths, agentId, match)};
		},

		/** Takes a binding of an agent away, or all that it has. Throws as `matchOf` and `unbind` do. */
		async unbind(agentId: string, words: MatchWords | 'all') {
			const {matchOf, unbind} = await import('./store/bindings.ts');
			const match = words === 'all' ? undefined : matchOf(words);
			return {match, removed: await unbind(paths, agentId, match)};
		},

		/** Which agent a message is for, and why. Throws as `matchOf` and `readConfig` do. */
		async route(words: MatchWords) {
			const [{matchOf}, {routeOf}] = await Promise.all([
				import('./store/bindings.ts'),
				import('./auth/routing/bindings.ts'),
			]);
			const from = matchOf(words);
			const config = await readConfig(paths);
			const agents = agentIds(paths, config);
			return {from, ...routeOf(config, {agents, defaultAgent: config.defaultAgent ?? mainAgentId}, from)};
		},

		/** The channels with the ids of their accounts. Throws as `readConfig` does. */
		async channels(): Promise<ReadonlyMap<string, readonly string[]>> {
			const {channelsOf} = await import('./auth/routing/bindings.ts');
			return channelsOf(await readConfig(paths));
		},
	};
}
