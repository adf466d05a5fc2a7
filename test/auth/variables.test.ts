import {expect, test} from 'vitest';
import {allVariables, variablesOfKind} from '../../source/auth/environment.ts';
import {builtInNamed, gitProviderOf, providersFrom} from '../../source/auth/providers/registry.ts';
import {decodeConfig} from '../../source/store/config.ts';

const providers = [...providersFrom(decodeConfig({}), []).values()];

test('no variable is of two providers: one would take the other’s away', () => {
	const owners = providers.flatMap(provider =>
		allVariables(provider).map(name => [name, provider.id] as const),
	);
	expect(new Map(owners).size).toBe(owners.length);
	for (const [name] of owners) expect(name).toMatch(/^[A-Z][A-Z0-9_]*$/);
});

test('what is said of the kinds of variables is said of variables that there are', () => {
	for (const provider of providers) {
		expect(provider.env ?? []).toEqual(expect.arrayContaining(Object.keys(provider.envKinds ?? {})));
	}
});

test('every provider whose keys are pasted has a variable that takes one', () => {
	const keyed = providers.filter(({auth}) => auth.some(({method}) => method === 'api_key'));
	expect(keyed.filter(provider => variablesOfKind(provider, 'api_key').length === 0)).toEqual([]);
});

test('a git server is found by its host, in any case', () => {
	expect(gitProviderOf('GitHub.com')?.id).toBe('github');
	expect(gitProviderOf('github.com.example.test')).toBeUndefined();
	expect(builtInNamed('GH')?.id).toBe('github');
});
