import type {ProfileFacts} from './auth/facts.ts';
import type {Login} from './auth/login/contract.ts';
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
import type {SessionFacts} from './auth/session-facts.ts';
import {agentIds, type Snapshot} from './auth/snapshot.ts';
import type {Which} from './auth/which.ts';
import {JarvisError} from './errors.ts';
import type {NewAgent} from './store/agents.ts';
import {type AuditEvent, type AuditSubject, appendAudit} from './store/audit-log.ts';
import type {MatchWords} from './store/bindings.ts';
import {readConfig} from './store/config.ts';
import {
	assertAgentId,
	assertProfileId,
	mainAgentId,
	type StatePaths,
	stateFolder,
	statePaths,
} from './store/paths.ts';

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
		});
	}

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

	/** The agent of a name, which must exist; the default agent where none is named. */
	async function agent(named: string | undefined): Promise<string> {
		const config = await readConfig(paths);
		const id = named === undefined ? (config.defaultAgent ?? mainAgentId) : assertAgentId(named);
		if (agentIds(paths, config).includes(id)) return id;
		const {assertAgent} = await import('./store/agents.ts');
		assertAgent(paths, config, id);
		return id;
	}

	const resolveContext: ResolveContext = {paths, env, now, network, findProvider: provider};

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

		/** All agents as they are on the disk, without any secret; their sessions too if that is wanted. */
		async snapshot(wanted: {readonly sessions?: boolean} = {}): Promise<Snapshot> {
			const {readSnapshot} = await import('./auth/snapshot.ts');
			return readSnapshot(paths, wanted);
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
			return resolve(resolveContext, {...request, agentId, providerId}).catch(async error => {
				// Other names of providers are known to the registry, which a good token does not load.
				if (providerId === undefined || !foundNobody(error)) throw error;
				const id = await providerIdOf(providerId);
				if (id === providerId) throw error;
				return resolve(resolveContext, {...request, agentId, providerId: id});
			});
		},

		/**
		 * The whole decision that `resolve` would make now: every candidate in the order in which it would be
		 * tried, and those that would not, with the reasons. Nothing is refreshed. Throws as `prepare` does.
		 */
		async which(request: ResolveRequest): Promise<Which> {
			const [{explain}, agentId] = await Promise.all([import('./auth/which.ts'), agent(request.agentId)]);
			return explain(resolveContext, {...request, agentId});
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
			await reportFailure(paths, await used(profile), {at: now(), ...failure});
		},

		/**
		 * Forgets the failures of a profile, so that it is used again at once. Throws `profile_unknown`, and what the store throws.
		 */
		async clearCooldown(profile: UsedProfile): Promise<ClearedCooldown> {
			const {clearCooldown} = await import('./auth/report.ts');
			return clearCooldown(paths, await used(profile), now());
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
		 * Refreshes a profile: `'expired'` only if its token is over, `'always'` also if it is still good.
		 * Throws as `freshCredential` does.
		 */
		async refresh(
			profile: {readonly agentId: string; readonly profileId: string; readonly provider: string},
			when: 'expired' | 'always',
		): Promise<RefreshOutcome['how']> {
			const [{freshCredential}, {readCredentials}] = await Promise.all([
				import('./auth/refresh.ts'),
				import('./store/profiles.ts'),
			]);
			const {agentId, profileId} = profile;
			const present = (await readCredentials(paths, agentId)).profiles.get(profileId);
			const rejected = when === 'always' && present?.type === 'oauth' ? present.access : undefined;
			const {how} = await freshCredential({
				...{paths, agentId, profileId, network, now},
				provider: await provider(profile.provider),
				...(rejected === undefined ? {} : {rejected}),
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
			return startLogin({
				...{paths, agentId, network, now},
				...{provider, method: findMethod(provider, request.method)},
				...(expires === undefined ? {} : {expires}),
				providers: listing.providers,
				...(callbackBind === undefined ? {} : {callbackBind}),
				...(request.offersShortUrl ? {offersShortUrl: true} : {}),
				...(profileId === undefined ? {} : {profileId: assertProfileId(profileId)}),
				...(options.openBrowser && !noBrowser ? {openBrowser: options.openBrowser} : {}),
			});
		},

		/**
		 * The way to log in that fits the machine best: without a browser one that needs none here. Throws
		 * `provider_unknown`.
		 */
		async bestMethod(providerId: string, around: {readonly browser: boolean}): Promise<MethodName> {
			const {methodsFor} = await import('./auth/providers/registry.ts');
			return methodsFor(await provider(providerId), around)[0].method;
		},

		/** Ends a login that waits in another process. Throws as `finishLogin` does. */
		async finishLogin(pasted: string) {
			const {finishLogin} = await import('./auth/login/finish.ts');
			return finishLogin({paths, network, now, providers: (await providers()).providers}, pasted);
		},

		/** Adds an agent. Throws as `addAgent` does. */
		async addAgent(newAgent: NewAgent) {
			const {addAgent} = await import('./store/agents.ts');
			await addAgent(paths, newAgent);
		},

		/** Deletes an agent. Returns how many bindings went with it. Throws as `deleteAgent` does. */
		async deleteAgent(agentId: string): Promise<number> {
			const {deleteAgent} = await import('./store/agents.ts');
			return deleteAgent(paths, agentId);
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
			return logOut({...resolveContext, agentId, profileId});
		},

		/** Removes a profile and its secrets. Throws `profile_unknown`, and what the store throws. */
		async removeProfile(agentId: string, profileId: string) {
			const {removeProfile} = await import('./auth/manage.ts');
			await removeProfile(paths, agentId, profileId);
		},

		/** Gives a profile another id. Throws as `renameProfile` does. */
		async renameProfile(agentId: string, from: string, to: string) {
			const {renameProfile} = await import('./auth/manage.ts');
			await renameProfile(paths, agentId, from, to);
		},

		/** Sets an agent's explicit order of a provider, or takes it away. Throws as `changeOrder` does. */
		async setOrder(agentId: string, providerId: string, ids: readonly string[] | undefined) {
			const {changeOrder} = await import('./auth/manage.ts');
			await changeOrder(paths, agentId, providerId, ids);
		},

		/** The secret of a profile, for a person who asked for it. Throws `profile_unknown`, `no_credential`. */
		async revealSecret(agentId: string, profileId: string): Promise<string> {
			const {revealSecret} = await import('./auth/manage.ts');
			return revealSecret(paths, agentId, profileId);
		},

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
			return addPlugin(paths, named, cwd);
		},

		/** Removes a plugin; its profiles stay. Throws `plugin_unknown`, and what the store throws. */
		async removePlugin(id: string) {
			const {removePlugin} = await import('./store/plugins.ts');
			await removePlugin(paths, id);
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
