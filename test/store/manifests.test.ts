import {join} from 'node:path';
import {describe, expect, it} from 'vitest';
import {readManifests} from '../../source/store/manifests.ts';
import type {StatePaths} from '../../source/store/paths.ts';
import {emptyState, put} from '../support/state-folder.ts';

const method = {
	method: 'oauth',
	issuer: 'https://id.example.test',
	clientId: 'client',
	redirectUris: ['http://127.0.0.1:1455/auth/callback'],
};
const manifest = {id: 'acme', label: 'Acme', auth: [method]};

function fileOf(paths: StatePaths, folder: string): string {
	return join(paths.plugins, folder, 'jarvis.plugin.json');
}

/** A state folder with a good manifest, and another beside it. */
function besideGoodOne(folder: string, content: unknown): StatePaths {
	const paths = emptyState();
	put(fileOf(paths, 'good'), {...manifest, id: 'good'});
	put(fileOf(paths, folder), content);
	return paths;
}

function withMethod(change: object): object {
	return {...manifest, auth: [{...method, ...change}]};
}

describe('a manifest', () => {
	it('is read, with what is left out filled in', () => {
		const paths = emptyState();
		put(fileOf(paths, 'acme'), manifest);
		const {manifests, problems} = readManifests(paths);
		expect(problems).toEqual([]);
		expect(manifests).toEqual([{...manifest, auth: [{...method, scopes: [], authorizeParams: {}}]}]);
	});

	it('is read whole', () => {
		const full = withMethod({
			authorizationEndpoint: 'https://id.example.test/authorize',
			tokenEndpoint: 'https://id.example.test/token',
			revocationEndpoint: 'https://id.example.test/revoke',
			scopes: ['openid', 'offline_access'],
			authorizeParams: {audience: 'api'},
			accountIdClaim: ['https://id.example.test/auth', 'account_id'],
			emailClaim: ['email'],
		});
		const paths = emptyState();
		put(fileOf(paths, 'acme'), {...full, future: 'left out'});
		expect(readManifests(paths).manifests).toEqual([full]);
	});

	it('needs no issuer when it gives both endpoints', () => {
		const {issuer: _, ...others} = method;
		const endpoints = {
			authorizationEndpoint: 'https://a.example.test/a',
			tokenEndpoint: 'https://a.example.test/t',
		};
		const paths = besideGoodOne('acme', {...manifest, auth: [{...others, ...endpoints}]});
		expect(readManifests(paths).manifests.map(({id}) => id)).toEqual(['acme', 'good']);
	});

	it('may be of a provider whose name JavaScript knows', () => {
		const paths = besideGoodOne('constructor', {...manifest, id: 'constructor'});
		expect(readManifests(paths).manifests.map(({id}) => id)).toEqual(['constructor', 'good']);
	});

	it.each<[string, unknown, string]>([
		['that is no JSON', '{"id": "acme",}', 'it is not valid JSON'],
		['that is empty', '', 'it is not valid JSON'],
		['that is a list', [], 'it is not valid JSON'],
		['without an id', {...manifest, id: undefined}, 'id: '],
		['with an id that is none', {...manifest, id: '../acme'}, 'id: is not a provider id'],
		['with the id of another folder', {...manifest, id: 'other'}, 'its id is not the folder\'s name, "acme"'],
		['with the id of the good one', {...manifest, id: 'good'}, 'its id is not the folder\'s name, "acme"'],
		['without a label', {...manifest, label: ''}, 'label: '],
		['without a way to log in', {...manifest, auth: []}, 'auth: '],
		['with an unknown way to log in', withMethod({method: 'magic'}), 'auth.0.method: '],
		['without a client', withMethod({clientId: ''}), 'auth.0.clientId: '],
		['without a redirect URI', withMethod({redirectUris: []}), 'auth.0.redirectUris: '],
		['with a redirect URI that is none', withMethod({redirectUris: ['nowhere']}), 'auth.0.redirectUris.0: '],
		['with an issuer that is none', withMethod({issuer: 'id.example'}), 'auth.0.issuer: '],
		['with scopes in one text', withMethod({scopes: 'openid'}), 'auth.0.scopes: '],
		[
			'with parameters that are no texts',
			withMethod({authorizeParams: {a: 1}}),
			'auth.0.authorizeParams.a: ',
		],
		['with an empty claim path', withMethod({accountIdClaim: []}), 'auth.0.accountIdClaim: '],
		['without an endpoint', withMethod({issuer: undefined}), 'needs issuer, or authorizationEndpoint'],
		[
			'with half of the endpoints',
			withMethod({issuer: undefined, tokenEndpoint: 'https://a.example.test'}),
			'needs issuer, or authorizationEndpoint',
		],
	])('%s is named with the reason, and the good one is read', (_, content, reason) => {
		const paths = besideGoodOne('acme', content);
		const {manifests, problems} = readManifests(paths);
		expect(manifests.map(({id}) => id)).toEqual(['good']);
		expect(problems).toHaveLength(1);
		expect(problems[0]).toMatchObject({code: 'manifest_invalid'});
		expect(problems[0]?.message).toContain(`${fileOf(paths, 'acme')} is left out: `);
		expect(problems[0]?.message).toContain(reason);
	});

	it('with many faults is named with the first three', () => {
		const problem = readManifests(besideGoodOne('acme', {auth: [{}]})).problems[0];
		expect(problem?.message.split('; ')).toHaveLength(3);
	});

	it('that is a folder is named, and the good one is read', () => {
		const {manifests, problems} = readManifests(besideGoodOne('acme/jarvis.plugin.json', {}));
		expect(manifests.map(({id}) => id)).toEqual(['good']);
		expect(problems).toHaveLength(1);
	});
});

describe('the plugins folder', () => {
	it('may be absent, or hold folders without a manifest', () => {
		const paths = emptyState();
		expect(readManifests(paths)).toEqual({manifests: [], problems: []});
		put(join(paths.plugins, 'acme', 'readme'), '');
		put(join(paths.plugins, '.git', 'jarvis.plugin.json'), '{');
		expect(readManifests(paths)).toEqual({manifests: [], problems: []});
	});

	it('may hold other files', () => {
		const paths = emptyState();
		put(fileOf(paths, 'acme'), manifest);
		put(join(paths.plugins, 'notes.txt'), '');
		expect(readManifests(paths)).toMatchObject({manifests: [{id: 'acme'}], problems: []});
	});
});
