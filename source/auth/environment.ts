import {JarvisError} from '../errors.ts';
import type {CredentialKind} from '../store/schema.ts';
import type {Provider} from './providers/contract.ts';

/** What a provider says of the environment variables that programs look for. */
export type ProviderVariables = Pick<Provider, 'env' | 'envKinds' | 'envParts' | 'envBeside'>;

/** A secret that goes into a program's environment. */
export interface GivenSecret {
	readonly provider: string;
	readonly kind: CredentialKind;
	readonly secret: string;
	/** The variables that a person chose for it, in place of those that the provider knows. */
	readonly chosen?: readonly string[] | undefined;
}

/** Every variable by which a program could get a secret of the provider. */
export function allVariables({
	env = [],
	envParts = [],
	envBeside = {},
}: ProviderVariables): readonly string[] {
	return [...env, ...envParts, ...Object.keys(envBeside)];
}

/** The variables that take a credential of a kind. */
export function variablesOfKind(
	{env = [], envKinds = {}}: ProviderVariables,
	kind: CredentialKind,
): string[] {
	return env.filter(name => !Object.hasOwn(envKinds, name) || envKinds[name]?.includes(kind));
}

/**
 * The variables that take a secret, with their values.
 * @throws `no_variable` where no program is known to look for one of its kind
 */
export function variablesFor(
	known: ProviderVariables,
	{provider, kind, secret, chosen}: GivenSecret,
): ReadonlyMap<string, string> {
	if (chosen) return new Map(chosen.map(name => [name, secret]));
	const {envParts = []} = known;
	const parts = secret.split(':');
	if (parts.length > 1 && parts.length <= envParts.length) {
		return new Map(parts.map((part, index) => [envParts[index] ?? '', part]));
	}
	const taking = variablesOfKind(known, kind);
	if (taking.length > 0) {
		return new Map([
			...taking.map(name => [name, secret] as const),
			...Object.entries(known.envBeside ?? {}),
		]);
	}
	throw new JarvisError(
		'no_variable',
		`No environment variable is known that takes a credential of ${provider} of the kind ${kind}.`,
		`Name the one that the program looks for: --env NAME=${provider}`,
	);
}

/** What goes into variables, by the profile that it is of. */
export interface GivenVariables {
	readonly profileId: string;
	readonly variables: ReadonlyMap<string, string>;
}

/** Throws `usage` where one of the variables of a profile holds another one's secret already. */
export function assertFree(
	given: readonly GivenVariables[],
	profileId: string,
	variables: ReadonlyMap<string, string>,
): void {
	for (const name of variables.keys()) {
		const owner = given.find(other => other.variables.has(name));
		if (owner) throw sameVariable(name, owner.profileId, profileId);
	}
}

/**
 * An environment without the variables that would compete with what is given, and with what is given.
 * @param without variables that are taken out
 * @throws `usage` where two secrets are for one variable
 */
export function environmentWith(
	env: NodeJS.ProcessEnv,
	without: Iterable<string>,
	given: readonly GivenVariables[],
): NodeJS.ProcessEnv {
	const made = {...env};
	for (const name of without) delete made[name];
	for (const [index, {profileId, variables}] of given.entries()) {
		assertFree(given.slice(0, index), profileId, variables);
		for (const [name, value] of variables) made[name] = value;
	}
	return made;
}

function sameVariable(name: string, one: string, other: string): JarvisError {
	return new JarvisError(
		'usage',
		`${one} and ${other} are both for the variable ${name}.`,
		'Leave one of them out, or name another variable: --env NAME=<provider>',
	);
}
