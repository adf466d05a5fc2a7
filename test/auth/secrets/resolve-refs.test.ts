import {mkdirSync, rmSync} from 'node:fs';
import {join} from 'node:path';
import {expect, test} from 'vitest';
import {resolveRefs} from '../../../source/auth/secrets/resolve-refs.ts';
import type {SecretRef} from '../../../source/store/schema.ts';
import {decodeSecrets, readSecretsConfig} from '../../../source/store/secrets-config.ts';
import {emptyState, put, temporaryFolder} from '../../support/state-folder.ts';
import {programOf} from './programs.ts';

const env = {ACME_KEY: 'not-a-secret-a', OTHER_KEY: 'not-a-secret-b', EMPTY: ''};

function ref(source: SecretRef['source'], id: string, provider = 'default'): SecretRef {
	return {source, provider, id};
}

test('a ref that names no provider means the default one of its source', async () => {
	const config = decodeSecrets({
		providers: {
			ci: {source: 'env', allowlist: ['OTHER_KEY']},
			disk: {source: 'file', path: '/nowhere/secrets.json'},
		},
		defaults: {env: 'ci', file: 'disk', exec: 'vault'},
	});
	const refs = [ref('env', 'ACME_KEY'), ref('env', 'OTHER_KEY'), ref('file', '/a'), ref('exec', 'a')];
	expect(Object.fromEntries(await resolveRefs(refs, {env, config}))).toMatchObject({
		'env:default:ACME_KEY': {failure: {code: 'not_allowed'}},
		'env:default:OTHER_KEY': {value: 'not-a-secret-b'},
		'file:default:/a': {failure: {code: 'not_found', message: 'there is no file /nowhere/secrets.json'}},
		'exec:default:a': {failure: {code: 'unknown_provider', message: expect.stringContaining('vault')}},
	});
	// A name that a ref does give is that provider, of its own source.
	const wrong = await resolveRefs([ref('exec', 'a', 'disk')], {env, config});
	expect([...wrong.values()]).toMatchObject([{failure: {code: 'unknown_provider'}}]);
});

test('the environment is read without being configured, and by its allowlist where it is', async () => {
	const config = decodeSecrets({providers: {ci: {source: 'env', allowlist: ['ACME_KEY']}}});
	const refs = [
		ref('env', 'ACME_KEY'),
		ref('env', 'EMPTY'),
		ref('env', 'ACME_KEY', 'ci'),
		ref('env', 'OTHER_KEY', 'ci'),
		ref('env', 'ACME_KEY', 'elsewhere'),
		ref('env', 'lower_case'),
		ref('file', '/a'),
	];
	expect(Object.fromEntries(await resolveRefs(refs, {env, config}))).toMatchObject({
		'env:default:ACME_KEY': {value: 'not-a-secret-a'},
		'env:default:EMPTY': {failure: {code: 'not_found'}},
		'env:ci:ACME_KEY': {value: 'not-a-secret-a'},
		'env:ci:OTHER_KEY': {failure: {code: 'not_allowed'}},
		'env:elsewhere:ACME_KEY': {failure: {code: 'unknown_provider'}},
		'env:default:lower_case': {failure: {code: 'invalid_ref'}},
		'file:default:/a': {failure: {code: 'unknown_provider'}},
	});
});

test('a secret of more than one line is none, wherever it comes from', async () => {
	const folder = temporaryFolder();
	const [document, single] = [join(folder, 'secrets.json'), join(folder, 'secret')];
	put(document, {two: 'not-a-secret\nusername=evil', bell: 'not-a-secret\u0007', fine: 'not-a-secret ü'});
	put(single, 'not-a-secret\r\nusername=evil\n');
	const config = decodeSecrets({
		providers: {
			disk: {source: 'file', path: document},
			one: {source: 'file', path: single, mode: 'singleValue'},
			says: {
				...{source: 'exec', jsonOnly: false},
				command: programOf("#!/bin/sh\nprintf 'not-a-secret\\nuser: maya\\n'"),
			},
		},
	});
	const refs = [
		...[ref('env', 'TWO'), ref('file', '/two', 'disk'), ref('file', '/bell', 'disk')],
		...[ref('file', 'value', 'one'), ref('exec', 'a', 'says'), ref('file', '/fine', 'disk')],
	];
	const all = [...(await resolveRefs(refs, {env: {TWO: 'not-a-secret\n'}, config})).values()];
	const refused = {failure: {code: 'bad_answer', message: expect.stringContaining('has line breaks')}};
	expect(all).toEqual([...refs.slice(1).map(() => refused), {value: 'not-a-secret ü'}]);
	expect(all[4]).toMatchObject({failure: {message: expect.stringContaining('pass show … | head -n 1')}});
	expect(JSON.stringify(all.slice(0, -1))).not.toContain('not-a-secret');
});

test('a source that cannot be read is in the way of its own refs alone', async () => {
	const paths = emptyState();
	put(paths.sealed, `{"keyId": "k", "entries": {"a/1": "not-a-secret-sealed`);
	put(paths.config, {});
	const refs = [ref('env', 'ACME_KEY'), ref('keychain', 'a/1')];
	const all = Object.fromEntries(await resolveRefs(refs, {env, config: await readSecretsConfig(paths)}));
	expect(all).toEqual({
		'env:default:ACME_KEY': {value: 'not-a-secret-a'},
		'keychain:default:a/1': {
			failure: {code: 'damaged', message: expect.stringContaining(`${paths.sealed} is not valid JSON`)},
		},
	});
	expect(JSON.stringify(all['keychain:default:a/1'])).not.toContain('not-a-secret');
	rmSync(paths.sealed);
	mkdirSync(paths.sealed);
	const [first, second] = (await resolveRefs(refs, {env, config: await readSecretsConfig(paths)})).values();
	expect(first).toEqual({value: 'not-a-secret-a'});
	expect(second).toMatchObject({failure: {code: 'unreadable', message: expect.stringContaining('EISDIR')}});
});
