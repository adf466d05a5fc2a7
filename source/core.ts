import type {Login} from './auth/login/login.ts';
import type {Provider} from './auth/providers/contract.ts';
import type {RefreshOutcome} from './auth/refresh.ts';
import {type Resolved, resolve} from './auth/resolve.ts';
import type {ListedBinding} from './auth/routing/bindings.ts';
import {agentIds, type Snapshot} from './auth/snapshot.ts';
import type {JarvisError} from './errors.ts';
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
	/** Do not open a browser, whether or not there is one. */
	readonly noBrowser?: boolean;
}

export interface ProviderListing {
	readonly providers: ReadonlyMap<string, Provider>;
	/** Manifests that are left out, each with the reason. */
	readonly problems: readonly JarvisError[];
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

	/** The agent of a name, which must exist; the default agent where none is named. */
	async function agent(named: string | undefined): Promise<string> {
		const config = await readConfig(paths);
		const id = named === undefined ? (config.defaultAgent ?? mainAgentId) : assertAgentId(named);
		if (agentIds(paths, config).includes(id)) return id;
		const {assertAgent} = await import('./store/agents.ts');
		assertAgent(paths, config, id);
		return id;
	}

	return {
		paths,
		env,
		now,
		providers,
		agent,

		async snapshot(): Promise<Snapshot> {
			const {readSnapshot} = await import('./auth/snapshot.ts');
			return readSnapshot(paths);
		},

		/** A credential of a provider that is good now. Throws as `resolve` does. */
		async token(request: {
			readonly providerId: string;
			readonly agentId?: string | undefined;
			readonly profileId?: string | undefined;
		}): Promise<Resolved> {
			const agentId = request.agentId === undefined ? undefined : await agent(request.agentId);
			return resolve({...request, agentId, paths, env, now, network, findProvider: provider});
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
		 * Starts a login. Throws `provider_unknown`, `profile_invalid_id`, `store_damaged`; everything later is
		 * in its state.
		 */
		async startLogin(request: LoginRequest): Promise<Login> {
			const [{startLogin}, {findProvider}, listing] = await Promise.all([
				import('./auth/login/login.ts'),
				import('./auth/providers/registry.ts'),
				providers(),
			]);
			const {providerId, agentId, profileId, noBrowser} = request;
			// A login whose tokens could not be stored would spend its code for nothing.
			const {readCredentials} = await import('./store/profiles.ts');
			await readCredentials(paths, agentId);
			return startLogin({
				...{paths, agentId, network, now},
				provider: findProvider(listing.providers, providerId),
				providers: listing.providers,
				...(profileId === undefined ? {} : {profileId: assertProfileId(profileId)}),
				...(options.openBrowser && !noBrowser ? {openBrowser: options.openBrowser} : {}),
			});
		},

		/** Ends a login that waits in another process. Throws as `finishLogin` does. */
		async finishLogin(pasted: string) {
			const {finishLogin} = await import('./auth/login/finish.ts');
			return finishLogin({paths, network, now, providers: (await providers()).providers}, pasted);
		},

		/** Adds an agent. Throws as `addAgent` does. */
		async addAgent(newAgent: {readonly id: string; readonly name?: string; readonly workspace?: string}) {
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
