import {readFileSync} from 'node:fs';
import {describe, expect, it, test} from 'vitest';
import type {TokenFailure} from '../../source/sandbox/authorization-server.ts';
import {
	canary,
	declareProvider,
	expiredEntry,
	openSandbox,
	providerId,
	readStore,
	refusal,
	type Sandbox,
	soon,
	writeStore,
} from '../support/sandbox.ts';

const profileId = 'acme:maya';
const now = 1_900_000_000_000;

async function withGrant() {
	const sandbox = await openSandbox();
	const entry = {...(await expiredEntry(sandbox.server)), refresh: canary('old-refresh')};
	writeStore(sandbox, 'main', {profiles: {[profileId]: entry}});
	return {sandbox, entry};
}

/** What is stored after the server has answered a refresh with this body. */
async function refreshedBy(body: object) {
	const {sandbox} = await withGrant();
	sandbox.server.setTokenFailure({status: 200, body: JSON.stringify(body)});
	const {secret} = await sandbox.open({now: () => now}).resolve({providerId});
	expect(secret).toBe(canary('access'));
	expect(sandbox.server.refreshRequests).toBe(1);
	return readStore(sandbox).profiles[profileId];
}

function jwt(claims: object): string {
	return `e30.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.canary-signature`;
}

const plain = {
	access_token: canary('access'),
	token_type: 'Bearer',
	expires_in: 3600,
	refresh_token: canary('refresh'),
};
const stored = {
	access: canary('access'),
	refresh: canary('refresh'),
	expires: now + 3_600_000,
	expiresIn: 3600,
};
const assumed = {access: canary('access'), refresh: canary('refresh'), expires: now + 3_600_000};

describe('a reply to a refresh is stored, since the old token may be spent', () => {
	test.each<[string, object, object]>([
		['as the standard has it', plain, stored],
		[
			'without a refresh token: the old one stays',
			{...plain, refresh_token: undefined},
			{...stored, refresh: canary('old-refresh')},
		],
		['without expires_in: an hour is assumed', {...plain, expires_in: undefined}, assumed],
		[
			'with expires_in as text',
			{...plain, expires_in: '1800'},
			{...stored, expires: now + 1_800_000, expiresIn: 1800},
		],
		['with expires_in null', {...plain, expires_in: null}, assumed],
		['with expires_in 0', {...plain, expires_in: 0}, assumed],
		['without a token type', {...plain, token_type: undefined}, stored],
		['with the token type in small letters', {...plain, token_type: 'bearer'}, stored],
		['with an id_token that is none', {...plain, id_token: 'canary-no-jwt'}, stored],
		['with an id_token of another issuer, long over', {...plain, id_token: jwt({iss: 'x', exp: 1})}, stored],
		['with an id_token that is a number', {...plain, id_token: 7}, stored],
		['with an id_token that is null', {...plain, id_token: null}, stored],
		['with a scope that is a list', {...plain, scope: ['openid']}, stored],
		['with a scope that is null', {...plain, scope: null}, stored],
		['with members that nobody knows', {...plain, x_more: {deep: [canary('more')]}}, stored],
	])('%s', async (_, body, expected) => {
		const after = await refreshedBy(body);
		expect(after).toMatchObject(expected);
		expect(Object.hasOwn(after ?? {}, 'expiresIn')).toBe('expiresIn' in expected);
		expect(after).toMatchObject({accountId: 'sandbox-account-maya', email: 'maya@example.test'});
		expect(JSON.stringify(after)).not.toContain(canary('more'));
	});

	test('with its end in the access token only', async () => {
		const {sandbox} = await withGrant();
		const body = {...plain, expires_in: undefined, access_token: jwt({exp: now / 1000 + 600})};
		sandbox.server.setTokenFailure({status: 200, body: JSON.stringify(body)});
		await sandbox.open({now: () => now}).resolve({providerId});
		expect(readStore(sandbox).profiles[profileId]).toMatchObject({expires: now + 600_000});
	});

	test('the e-mail of the id_token is read, and what the record knew of the account stays', async () => {
		const {sandbox, entry} = await withGrant();
		writeStore(sandbox, 'main', {profiles: {[profileId]: {...entry, email: undefined}}});
		const body = {...plain, id_token: jwt({email: 'söß@example.test'})};
		sandbox.server.setTokenFailure({status: 200, body: JSON.stringify(body)});
		await sandbox.open().resolve({providerId});
		expect(readStore(sandbox).profiles[profileId]).toMatchObject({
			email: 'söß@example.test',
			accountId: 'sandbox-account-maya',
		});
	});
});

describe('what decides nothing changes nothing', () => {
	const html = '<html>canary</html>';
	const json = (error: string) => JSON.stringify({error, error_description: 'told to'});
	test.each<[string, TokenFailure, string, RegExp]>([
		['500', {status: 500, body: json('server_error')}, 'refresh_unavailable', /status 500/],
		[
			'503 with invalid_grant',
			{status: 503, body: json('invalid_grant')},
			'refresh_unavailable',
			/status 503/,
		],
		['429', {status: 429, body: json('slow_down')}, 'refresh_unavailable', /slow_down: told to \(429\)/],
		[
			'HTML with 200',
			{status: 200, body: html, contentType: 'text/html'},
			'refresh_unavailable',
			/text\/html/,
		],
		[
			'HTML with 403',
			{status: 403, body: html, contentType: 'text/html'},
			'refresh_unavailable',
			/status 403/,
		],
		[
			'HTML with 502',
			{status: 502, body: html, contentType: 'text/html'},
			'refresh_unavailable',
			/status 502/,
		],
		['an empty reply', {status: 200, body: ''}, 'refresh_unavailable', /./],
		['half a reply', {status: 200, body: '{"access_token": "canary'}, 'refresh_unavailable', /./],
		['a reply without an access token', {status: 200, body: '{}'}, 'refresh_unavailable', /./],
		[
			'a redirect',
			{status: 302, body: '', headers: {location: 'https://example.test'}},
			'refresh_unavailable',
			/302/,
		],
		[
			'invalid_client',
			{status: 401, body: json('invalid_client')},
			'refresh_refused',
			/invalid_client: told to \(401\)/,
		],
		['invalid_request', {status: 400, body: json('invalid_request')}, 'refresh_refused', /invalid_request/],
		['unauthorized_client', {status: 400, body: json('unauthorized_client')}, 'refresh_refused', /./],
		[
			'a challenge',
			{status: 401, body: '', headers: {'www-authenticate': 'Basic realm="x"'}},
			'refresh_refused',
			/status 401/,
		],
	])('%s', async (_, failure, code, words) => {
		const {sandbox} = await withGrant();
		const before = bytes(sandbox);
		sandbox.server.setTokenFailure(failure);
		const error = await refusal(sandbox.open().resolve({providerId}));
		expect(error).toMatchObject({code, message: expect.stringMatching(words), exitCode: 1});
		expect(error.message).toContain('The profile is as it was.');
		expect(JSON.stringify(error)).not.toContain('canary');
		expect(bytes(sandbox)).toBe(before);
		expect(sandbox.server.refreshRequests).toBe(1);
	});

	test('a network that is down', async () => {
		const {sandbox} = await withGrant();
		const before = bytes(sandbox);
		await sandbox.server.close();
		const {code} = await refusal(sandbox.open().resolve({providerId}));
		expect(code).toBe('refresh_unavailable');
		expect(bytes(sandbox)).toBe(before);
	});

	test('a connection that is reset in the middle', async () => {
		const {sandbox} = await withGrant();
		const before = bytes(sandbox);
		sandbox.server.setTokenDelay(60_000);
		const asked = refusal(sandbox.open().resolve({providerId}));
		await expect.poll(() => sandbox.server.refreshRequests, soon).toBe(1);
		await sandbox.server.close();
		expect((await asked).code).toBe('refresh_unavailable');
		expect(bytes(sandbox)).toBe(before);
	});

	test('a server that works again is asked again', async () => {
		const {sandbox, entry} = await withGrant();
		const {refresh} = await expiredEntry(sandbox.server);
		writeStore(sandbox, 'main', {profiles: {[profileId]: {...entry, refresh}}});
		sandbox.server.setTokenFailure({status: 500, body: ''});
		await refusal(sandbox.open().resolve({providerId}));
		sandbox.server.setTokenFailure(undefined);
		expect(await sandbox.open().resolve({providerId})).toMatchObject({profileId});
	});
});

function bytes({paths}: Sandbox): string {
	return readFileSync(paths.profiles('main'), 'utf8');
}

describe('what must not come back: a reply that is lost, and with it the grant', () => {
	it.each<[string, object]>([
		['with a refresh token that is null', {refresh_token: null}],
		['with a refresh token that is empty', {refresh_token: ''}],
		['with an expires_in that is no number', {expires_in: 'soon'}],
		['with an expires_in that is negative', {expires_in: -1}],
		['with an expires_in that is a broken number', {expires_in: {}}],
	])('%s', async (_, members) => {
		expect(await refreshedBy({...plain, ...members})).toMatchObject({access: canary('access')});
	});
});

describe('what must not come back', () => {
	it('a provider that names its issuer alone is unavailable, too, when the network is down', async () => {
		const {sandbox} = await withGrant();
		const {issuer} = sandbox.server;
		const none = {authorizationEndpoint: undefined, tokenEndpoint: undefined};
		declareProvider(sandbox.stateDir, sandbox.server, {issuer, ...none});
		await sandbox.server.close();
		const {code} = await refusal(sandbox.open().resolve({providerId}));
		expect(code).toBe('refresh_unavailable');
	});
});
