import {expect, test} from 'vitest';
import type {CodeMethod, Provider} from '../../source/auth/providers/contract.ts';
import {oauthClientOf, refresherOf} from '../../source/auth/providers/contract.ts';
import {openaiCodex} from '../../source/auth/providers/openai-codex.ts';
import {findMethod, findProvider, providersFrom} from '../../source/auth/providers/registry.ts';
import {decodeConfig} from '../../source/store/config.ts';

const login = async () => ({type: 'api_key', key: 'canary'}) as const;
const refresh = async () => ({type: 'oauth', access: 'canary'}) as const;
const browser = {method: 'oauth', clientId: 'x', scopes: [], redirectUris: [], authorizeParams: {}} as const;
const own: CodeMethod = {method: 'custom', login, refresh};
const other: CodeMethod = {method: 'device_code', login, refresh};
const without: CodeMethod = {method: 'custom', login};

const acme = (auth: Provider['auth']): Provider => ({id: 'acme', label: 'Acme', origin: 'plugin', auth});

test.each<[string, Provider['auth'], string | undefined, Provider['auth'][number] | undefined]>([
	['the one by which it was got', [own, other], 'device_code', other],
	['the first one, where that is not known', [own, other], undefined, own],
	['the first one, where it is gone', [own, other], 'oauth', own],
	['data before code, where it was got by data', [own, browser], 'oauth', browser],
	['another one, where that cannot', [without, browser], 'custom', browser],
	['none', [without], 'custom', undefined],
])('a credential is refreshed by %s', (_, auth, method, expected) => {
	expect(refresherOf(acme(auth), method === undefined ? {} : {method})).toBe(expected);
});

test('a login of Codex by device code is refreshed as all others are', () => {
	expect(refresherOf(openaiCodex, {method: 'device_code'})).toBe(oauthClientOf(openaiCodex));
});

test('names of providers and methods are found as a person writes them, a built-in’s before a plugin’s', () => {
	const manifest = (id: string, aliases: string[]) => ({
		...{id, label: id, aliases},
		auth: [{method: 'api_key' as const}],
	});
	const providers = providersFrom(decodeConfig({}), [
		manifest('acme', ['MyCorp', 'claude']),
		manifest('codex', []),
	]);
	expect(findProvider(providers, 'mycorp').id).toBe('acme');
	expect(findProvider(providers, 'Claude').id).toBe('anthropic');
	expect(findProvider(providers, 'codex').id).toBe('openai-codex');
	expect(findMethod(findProvider(providers, 'openai'), 'api-key').method).toBe('api_key');
});
