import {JarvisError} from '../errors.ts';
import {readConfig} from '../store/config.ts';
import type {CredentialKind} from '../store/schema.ts';
import {
	allVariables,
	assertFree,
	environmentWith,
	type ProviderVariables,
	variablesFor,
	variablesOfKind,
} from './environment.ts';
import {providerFlag} from './profile-commands.ts';
import {enterpriseServer} from './providers/git-hosts.ts';
import {type ResolveContext, type Resolved, type ResolveRequest, resolve} from './resolve.ts';
import {usableProfiles} from './usable.ts';

/** Which credentials a program is to get in its environment. */
export interface HandOutRequest
	extends Pick<ResolveRequest, 'model' | 'sessionKey' | 'minTtlMs' | 'readyOnly'> {
	/** The agent, which exists. */
	readonly agentId: string;
	/** One credential of each of these providers. */
	readonly providerIds?: readonly string[] | undefined;
	/** Each of these profiles. */
	readonly profileIds?: readonly string[] | undefined;
	/** One of each provider that programs know variables of; those that cannot be had are left out, and told. */
	readonly all?: boolean | undefined;
	/** Variables that a person chose: for a provider, or, without one, for the only credential. */
	readonly variables?: readonly ChosenVariable[] | undefined;
}

export interface ChosenVariable {
	readonly name: string;
	readonly provider?: string;
}

export interface HandOutContext extends ResolveContext {
	/** What the program's environment is made from. */
	readonly env: NodeJS.ProcessEnv;
	/** The provider of an id or another name of it, if there is one. */
	readonly providerNamed: (name: string) => Promise<(ProviderVariables & {readonly id: string}) | undefined>;
}

/** A credential as it was given. */
export interface HandedOut extends Omit<Resolved, 'secret' | 'passedOver'> {
	/** The names of the variables that hold it. */
	readonly variables: readonly string[];
}

export interface HandOut {
	readonly env: NodeJS.ProcessEnv;
	readonly given: readonly HandedOut[];
	/** What `all` left out, with the reason. */
	readonly leftOut: readonly {readonly provider: string; readonly error: JarvisError}[];
}

/**
 * The environment for a program that is to work with an agent's credentials: theirs are in it, and the
 * variables that programs would heed in their place are not.
 * @throws as `resolve` does, `no_variable`, and `usage` for a request that contradicts itself
 */
export async function handOut(context: HandOutContext, request: HandOutRequest): Promise<HandOut> {
	const wanted = await wantedBy(context, request);
	const settled = await Promise.allSettled(wanted.map(one => resolve(context, one)));
	const resolved: Resolved[] = [];
	const leftOut: {provider: string; error: JarvisError}[] = [];
	for (const [index, outcome] of settled.entries()) {
		const provider = wanted[index]?.providerId ?? '';
		if (outcome.status === 'fulfilled') {
			// A provider and its profile may both be named.
			if (!resolved.some(other => isSameProfile(other, outcome.value))) resolved.push(outcome.value);
		} else if (request.all && outcome.reason instanceof JarvisError)
			leftOut.push({provider, error: outcome.reason});
		else throw withAll(outcome.reason);
	}
	if (resolved.length === 0) throw leftOut[0]?.error ?? nothingToGive(request.agentId);
	const chosen = await chosenFor(context, request, resolved);
	const without: string[] = [];
	const given: {
		readonly about: Omit<HandedOut, 'variables'>;
		readonly profileId: string;
		readonly variables: ReadonlyMap<string, string>;
	}[] = [];
	for (const {secret, passedOver: _, ...about} of resolved) {
		const {profileId, provider, kind} = about;
		const known = await variablesKnown(context, provider, kind);
		without.push(...allVariables(known));
		try {
			const variables = variablesFor(known, {provider, kind, secret, chosen: chosen.get(provider)});
			if (request.all && !chosen.has(provider)) assertFree(given, profileId, variables);
			given.push({about, profileId, variables});
		} catch (error) {
			if (!request.all || !(error instanceof JarvisError)) throw error;
			leftOut.push({provider, error});
		}
	}
	if (given.length === 0) throw leftOut[0]?.error ?? nothingToGive(request.agentId);
	// One that could not be had must not be replaced by a key that lies about.
	for (const {provider} of leftOut) without.push(...allVariables(await variablesKnown(context, provider)));
	return {
		env: environmentWith(context.env, without, given),
		given: given.map(({about, variables}) => ({...about, variables: [...variables.keys()]})),
		leftOut,
	};
}

// Servers of git beside the well-known ones are providers by themselves: what is kept under a host's name is a token.
async function variablesKnown(
	{providerNamed}: HandOutContext,
	provider: string,
	kind: CredentialKind = 'token',
): Promise<ProviderVariables> {
	return (await providerNamed(provider)) ?? (kind === 'token' ? enterpriseServer(provider) : undefined) ?? {};
}

function isSameProfile(a: Resolved, b: Resolved): boolean {
	return a.profileId === b.profileId && a.provider === b.provider && a.owner === b.owner;
}

async function wantedBy(context: HandOutContext, request: HandOutRequest): Promise<ResolveRequest[]> {
	const {agentId, sessionKey, model, minTtlMs, readyOnly, providerIds = [], profileIds = []} = request;
	const common = {agentId, sessionKey, minTtlMs, readyOnly};
	if (request.all) {
		if (providerIds.length > 0 || profileIds.length > 0 || model !== undefined) {
			throw new JarvisError(
				'usage',
				'--all goes with no --provider, --profile or --model.',
				'Name those that are wanted, or all.',
			);
		}
		const providers = await providersWithVariables(context, request);
		return providers.map(providerId => ({...common, providerId}));
	}
	const ids = await Promise.all(
		providerIds.map(async name => (await context.providerNamed(name))?.id ?? name),
	);
	const wanted = [
		...profileIds.map(profileId => ({...common, profileId})),
		...[...new Set(ids)].map(providerId => ({...common, providerId})),
		...(model === undefined ? [] : [{...common, model}]),
	];
	return wanted.length > 0 ? wanted : [common];
}

/** The providers of the agent's profiles, those whose credentials go into variables. */
async function providersWithVariables(
	context: HandOutContext,
	{agentId, variables = []}: HandOutRequest,
): Promise<string[]> {
	const {paths} = context;
	const {profiles} = await usableProfiles(paths, await readConfig(paths), agentId);
	const ids = new Set<string>();
	for (const {credential} of profiles) {
		const known = await variablesKnown(context, credential.provider, credential.type);
		const isChosen = variables.some(({provider}) => provider === credential.provider);
		const hasParts = (known.envParts ?? []).length > 0;
		if (isChosen || hasParts || variablesOfKind(known, credential.type).length > 0)
			ids.add(credential.provider);
	}
	return [...ids].sort();
}

/** The variables that a person chose, by provider. */
async function chosenFor(
	{providerNamed}: HandOutContext,
	{variables = []}: HandOutRequest,
	resolved: readonly Resolved[],
): Promise<ReadonlyMap<string, readonly string[]>> {
	const chosen = new Map<string, string[]>();
	for (const {name, provider: named} of variables) {
		const [first, ...others] = [...new Set(resolved.map(({provider}) => provider))];
		const id = named === undefined ? first : ((await providerNamed(named))?.id ?? named);
		if (id === undefined || (named === undefined && others.length > 0)) {
			throw new JarvisError(
				'usage',
				`--env ${name} does not say whose credential it is for.`,
				`Name its provider: --env ${name}=${first ?? '<provider>'}`,
			);
		}
		if (!resolved.some(({provider}) => provider === id)) {
			throw new JarvisError(
				'usage',
				`--env ${name}=${id} is for a provider of which nothing is given.`,
				`Add ${providerFlag(id)}, or leave it out.`,
			);
		}
		chosen.set(id, [...(chosen.get(id) ?? []), name]);
	}
	return chosen;
}

// Who names nothing here may also mean all.
function withAll(error: unknown): unknown {
	if (!(error instanceof JarvisError) || error.code !== 'no_model') return error;
	const next = 'Name one: --provider <id>, or all that the agent has: --all.';
	return new JarvisError(error.code, error.message, next, {cause: error});
}

function nothingToGive(agentId: string): JarvisError {
	return new JarvisError(
		'no_credential',
		`The agent ${agentId} has no profile that goes into an environment variable.`,
		`Log in: jarvis models auth add --agent ${agentId}`,
	);
}
