import {existsSync} from 'node:fs';
import type {FindContext} from '../auth/import/find.ts';
import type {Provider} from '../auth/providers/contract.ts';
import type {ResolveContext, Resolved} from '../auth/resolve.ts';
import {openSecrets} from '../auth/secrets/secrets.ts';
import {agentIds} from '../auth/snapshot.ts';
import type {WriteBackContext} from '../auth/write-back.ts';
import type {JarvisError} from '../errors.ts';
import {type AuditEvent, type AuditSubject, appendAudit, parentProcess} from '../store/audit-log.ts';
import {readConfig} from '../store/config.ts';
import {agentsWithLegacy} from '../store/legacy.ts';
import {assertAgentId, mainAgentId, type StatePaths, stateFolder, statePaths} from '../store/paths.ts';
import {listAgentIds} from '../store/profiles.ts';
import {optional} from '../store/schema.ts';
import {sparingLog} from '../store/sparing-log.ts';
import {ownerWords} from '../words.ts';

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

export interface ProviderListing {
	readonly providers: ReadonlyMap<string, Provider>;
	/** Manifests that are left out, each with the reason. */
	readonly problems: readonly JarvisError[];
}

/** What everything that is done in a state folder is done with. */
export type World = ReturnType<typeof openWorld>;

/** Opens the world of a state folder. Nothing is read before it is asked for. */
export function openWorld(options: JarvisOptions) {
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

	/** Tells a person what went wrong beside what was asked for, if somebody listens. */
	function tell(text: string): void {
		options.tell?.(text);
	}

	const sparing = sparingLog(record);

	/** Notes who was given what, sparingly: a program may ask for each of its requests. */
	function noteHandOut(
		{agentId, profileId, provider, owner, expires}: Resolved,
		by: string | undefined,
	): void {
		const note = owner && `of ${ownerWords(owner)}`;
		// A token that was refreshed is another one.
		const key = JSON.stringify([by, agentId, profileId, expires]);
		sparing.note(key, 'handed_out', {agentId, profileId, provider, by, ...optional('note', note)});
	}

	/** All providers: built in, and declared by manifests. */
	async function providers(): Promise<ProviderListing> {
		const [{readManifests}, {providersFrom}] = await Promise.all([
			import('../store/manifests.ts'),
			import('../auth/providers/registry.ts'),
		]);
		const {manifests, problems} = readManifests(paths);
		return {providers: providersFrom(await readConfig(paths), manifests), problems};
	}

	async function provider(id: string): Promise<Provider> {
		const [{findProvider}, listing] = await Promise.all([
			import('../auth/providers/registry.ts'),
			providers(),
		]);
		await assertNotLeftOut(listing, id);
		return findProvider(listing.providers, id, listing.problems.length);
	}

	/** Throws `provider_unknown` with the fault of a plugin that is why there is no provider of a name. */
	async function assertNotLeftOut({providers, problems}: ProviderListing, name: string): Promise<void> {
		if (problems.length === 0) return;
		const leftOut = await import('../auth/providers/left-out.ts');
		leftOut.assertNotLeftOut(paths, providers, name);
	}

	/**
	 * Throws `provider_unknown` for a provider that is neither built in nor of a plugin, and of which no agent has a
	 * profile. For where there is nothing to hand out: it reads all that a good token does without.
	 */
	async function assertSomebodyKnows(id: string): Promise<void> {
		const {isStored} = await import('../auth/providers/unknown.ts');
		if (!isStored(paths, id)) await provider(id);
	}

	/** The same, read when they are first asked for and not again: for one look at what has many names in it. */
	function providersOnce(): typeof providers {
		let listing: Promise<ProviderListing> | undefined;
		return () => {
			listing ??= providers();
			return listing;
		};
	}

	/** The provider of any of its names, if there is one. What is built in needs no file to be read. */
	async function providerAmong(listed: typeof providers, name: string): Promise<Provider | undefined> {
		const registry = await import('../auth/providers/registry.ts');
		return registry.builtInNamed(name) ?? registry.providerNamed((await listed()).providers, name);
	}

	/** The id of a provider by any of its names; the name itself where no provider has it. */
	async function providerIdAmong(listed: typeof providers, name: string): Promise<string> {
		return (await providerAmong(listed, name))?.id ?? name;
	}

	const providerNamed = (name: string) => providerAmong(providers, name);
	const providerIdOf = (name: string) => providerIdAmong(providers, name);

	/** The provider whose secret a git server takes. */
	async function gitProvider(host: string): Promise<Provider | undefined> {
		const {gitProviderOf} = await import('../auth/providers/registry.ts');
		return gitProviderOf(host) ?? gitProviderOf(host, (await providers()).providers.values());
	}

	/** The agent of a name, which must exist; the default agent where none is named. */
	async function agent(named: string | undefined): Promise<string> {
		const config = await readConfig(paths);
		const id = named === undefined ? (config.defaultAgent ?? mainAgentId) : assertAgentId(named);
		if (!agentIds(paths, config).includes(id)) {
			const {assertAgent} = await import('../store/agents.ts');
			assertAgent(paths, config, id);
		}
		await bringIn([id]);
		return id;
	}

	const secrets = openSecrets({paths, env, now});

	/** What could not be brought in and was told to nobody: the snapshot has it. */
	const unread: JarvisError[] = [];

	/** Brings in what older files hold, the first time that it is found. Never throws. */
	async function bringIn(agents: readonly string[]): Promise<void> {
		for (const agentId of agentsWithLegacy(paths, agents)) {
			const {bringInLegacy} = await import('../auth/import/legacy.ts');
			const {taken, problems} = await bringInLegacy({paths, findProvider: provider}, agentId);
			for (const {file, ...subject} of taken) record('imported', {...subject, note: `from ${file}`});
			for (const problem of problems) {
				if (options.tell) options.tell(`${problem.message} ${problem.next}`);
				else unread.push(problem);
			}
		}
	}

	/** The same for all agents, before what is done with all of them. Never throws. */
	async function bringInAll(): Promise<void> {
		let agents: readonly string[];
		try {
			agents = listAgentIds(paths);
		} catch {
			// What is done next tells what is wrong with the folder.
			return;
		}
		await bringIn(agents);
	}

	async function importContext(): Promise<FindContext> {
		return {paths, place: {env, platform: process.platform}, providers: (await providers()).providers};
	}
	const writeBackContext: WriteBackContext = {paths, env, now, record, tell};

	/** Brings the programs up to date that are kept in step. Never throws. */
	async function keepInStep(): Promise<void> {
		if (!existsSync(paths.writeBack)) return;
		const {keepInStep} = await import('../auth/write-back.ts');
		await keepInStep(writeBackContext);
	}

	const resolveContext: ResolveContext = {
		...{paths, secrets, now, network, record, keepInStep},
		bringIn: agentId => bringIn([agentId]),
		findProvider: provider,
		// A fault of what declares providers must not take those away that are known without it.
		providerIdOf: name => providerIdOf(name).catch(() => name),
	};

	return {
		...{options, paths, env, now, network, record, noteHandOut, tell},
		...{
			providers,
			providersOnce,
			provider,
			assertNotLeftOut,
			assertSomebodyKnows,
			providerIdOf,
			providerIdAmong,
			providerNamed,
			gitProvider,
			agent,
		},
		...{secrets, bringInAll, unread, importContext, keepInStep, writeBackContext, resolveContext},
	};
}
