import fc from 'fast-check';
import {expect, test} from 'vitest';
import {clean, factsOf, handedOutSecret, maskSecret} from '../../source/auth/facts.ts';
import {fingerprint} from '../../source/auth/identity.ts';
import type {Credential, OAuthCredential} from '../../source/store/schema.ts';
import {canary} from '../support/sandbox.ts';

const dots = '••••••••';
const oauth: OAuthCredential = {
	type: 'oauth',
	provider: 'acme',
	access: canary('access'),
	refresh: canary('refresh'),
	expires: 1_800_000_000_000,
	expiresIn: 3600,
	accountId: 'acc-1',
	email: 'maya@example.test',
};
const envRef = {source: 'env', provider: 'default', id: 'ACME_KEY'} as const;

test('reduces an OAuth credential to what may be shown', () => {
	expect(factsOf('main', 'acme:maya', oauth, {lastUsed: 5})).toEqual({
		agentId: 'main',
		profileId: 'acme:maya',
		provider: 'acme',
		kind: 'oauth',
		email: 'maya@example.test',
		accountId: 'acc-1',
		expires: 1_800_000_000_000,
		expiresIn: 3600,
		hasValue: true,
		refreshable: true,
		malformed: false,
		secrets: [
			{name: 'access token', masked: `${dots}${canary('access').slice(-4)}`},
			{name: 'refresh token', masked: `${dots}${canary('refresh').slice(-4)}`},
		],
		usage: {lastUsed: 5},
	});
});

test.each<{why: string; credential: Credential; facts: object}>([
	{
		why: 'a token',
		credential: {type: 'token', provider: 'acme', token: 'canary-short', expires: 'invalid'},
		facts: {kind: 'token', hasValue: true, refreshable: false, expires: 'invalid', malformed: false},
	},
	{
		why: 'an API key',
		credential: {type: 'api_key', provider: 'acme', key: 'canary-short'},
		facts: {kind: 'api_key', hasValue: true, secrets: [{name: 'API key', masked: dots}]},
	},
	{
		why: 'an API key by ref',
		credential: {type: 'api_key', provider: 'acme', keyRef: envRef},
		facts: {hasValue: false, ref: envRef, secrets: []},
	},
	{
		why: 'a token by ref',
		credential: {type: 'token', provider: 'acme', tokenRef: envRef},
		facts: {hasValue: false, ref: envRef, secrets: []},
	},
	{
		why: 'OAuth with a refresh token alone',
		credential: {type: 'oauth', provider: 'acme', refresh: 'canary-short'},
		facts: {hasValue: true, refreshable: true, secrets: [{name: 'refresh token', masked: dots}]},
	},
	{
		why: 'OAuth without a refresh token',
		credential: {type: 'oauth', provider: 'acme', access: 'canary-short'},
		facts: {hasValue: true, refreshable: false, secrets: [{name: 'access token', masked: dots}]},
	},
	{
		why: 'OAuth beside a ref',
		credential: {...oauth, hasRef: true},
		facts: {malformed: true},
	},
	{
		why: 'nothing at all',
		credential: {type: 'oauth', provider: 'acme'},
		facts: {hasValue: false, refreshable: false, secrets: []},
	},
])('knows of $why', ({credential, facts}) => {
	expect(factsOf('main', 'acme:x', credential)).toMatchObject(facts);
});

test('a refused refresh token needs a login, and a newer one does not', () => {
	const refused = {since: 7, fingerprint: fingerprint(canary('refresh')), reason: 'invalid_grant'};
	expect(factsOf('main', 'acme:x', oauth, {needsLogin: refused})).toMatchObject({
		needsLogin: {since: 7, reason: 'invalid_grant'},
		refreshable: false,
	});
	const newer = factsOf('main', 'acme:x', {...oauth, refresh: canary('newer')}, {needsLogin: refused});
	expect(newer).not.toHaveProperty('needsLogin');
	expect(newer.refreshable).toBe(true);
});

test('a mark left from an OAuth login says nothing about the API key that replaced it', () => {
	const needsLogin = {since: 7, fingerprint: fingerprint(canary('refresh')), reason: 'invalid_grant'};
	const key: Credential = {type: 'api_key', provider: 'acme', key: canary('key')};
	expect(factsOf('main', 'acme:x', key, {needsLogin})).not.toHaveProperty('needsLogin');
});

test('frees names of what a terminal would act on', () => {
	const {email, accountId} = factsOf('main', 'acme:x', {
		...oauth,
		email: '\u001B[31mmaya\u001B[0m@example.test\u0007\r\n',
		accountId: '\u001B]0;title\u0007acc\u0000-1\u009B2J',
	});
	expect([email, accountId]).toEqual(['maya@example.test', 'acc-1']);
});

test('cleaned text holds no control character', () => {
	fc.assert(
		fc.property(fc.string({unit: 'binary'}), text => {
			expect(clean(text)).not.toMatch(/\p{Cc}/u);
		}),
	);
});

test('cleaned text has neither what turns its direction nor what ends its line, and keeps its letters', () => {
	expect(clean('a\u202egnp.exe \u2066b\u2069\u2028c\u200e')).toBe('agnp.exe bc');
	expect(clean('שלום 👩‍👩‍👧 日本')).toBe('שלום 👩‍👩‍👧 日本');
});

test('a mask never shows more than four characters, and none of a value of 24 or less', () => {
	const secret = fc.oneof(fc.string({unit: 'binary', maxLength: 40}), fc.string({maxLength: 200}));
	fc.assert(
		fc.property(secret, value => {
			const shown = maskSecret(value);
			expect(shown.startsWith(dots)).toBe(true);
			const rest = shown.slice(dots.length);
			if (value.length <= 24) expect(rest).toBe('');
			else expect(value.slice(-4).length >= rest.length && clean(value.slice(-4)) === rest).toBe(true);
		}),
	);
});

test.each([0, 1, 4, 24])('of %i characters nothing is shown', length => {
	expect(maskSecret('x'.repeat(length))).toBe(dots);
});

test('the last four of 25 characters are shown', () => {
	expect(maskSecret(`${'x'.repeat(21)}wxyz`)).toBe(`${dots}wxyz`);
});

test('no fact holds a secret', () => {
	const secret = fc
		.integer({min: 0, max: 60})
		.map(length => `canary-${'0123456789'.repeat(6).slice(0, length)}`);
	const credential: fc.Arbitrary<Credential> = fc.oneof(
		fc.record({
			type: fc.constant('oauth' as const),
			provider: fc.constant('acme'),
			access: secret,
			refresh: secret,
		}),
		fc.record({type: fc.constant('token' as const), provider: fc.constant('acme'), token: secret}),
		fc.record({type: fc.constant('api_key' as const), provider: fc.constant('acme'), key: secret}),
	);
	fc.assert(
		fc.property(credential, given => {
			expect(JSON.stringify(factsOf('main', 'acme:x', given))).not.toContain('canary');
		}),
	);
});

test.each<[Credential, string | undefined]>([
	[oauth, canary('access')],
	[{type: 'oauth', provider: 'acme', refresh: canary('refresh')}, undefined],
	[{type: 'token', provider: 'acme', token: 'canary-token'}, 'canary-token'],
	[{type: 'api_key', provider: 'acme', key: 'canary-key'}, 'canary-key'],
	[{type: 'api_key', provider: 'acme', keyRef: envRef}, undefined],
])('hands out the access token, the token or the key: %#', (credential, secret) => {
	expect(handedOutSecret(credential)).toBe(secret);
});
