import fc from 'fast-check';
import {expect, test} from 'vitest';
import {claimsOf, claimText} from '../../source/auth/claims.ts';

const auth = 'https://api.openai.com/auth';

function jwt(claims: unknown): string {
	return `e30.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.canary-signature`;
}

test('reads claims whose base64url has both - and _', () => {
	const claims = {email: 'maya@example.test', odd: '~~~???>>>ÿÿÿ'};
	const token = jwt(claims);
	expect(token.split('.')[1]).toMatch(/-.*_|_.*-/);
	expect(claimsOf(token)).toEqual(claims);
});

test.each(['søren@example.test', '玛雅', 'Ωmega 🜁', 'Ünïcödé'])('reads non-ASCII text: %s', email => {
	expect(claimText(['email'], claimsOf(jwt({email})))).toBe(email);
});

test('reads any claims', () => {
	fc.assert(
		fc.property(fc.json(), json => {
			expect(claimsOf(jwt(JSON.parse(json)))).toEqual(JSON.parse(json));
		}),
	);
});

test.each([
	undefined,
	'',
	'.',
	'..',
	'canary-opaque-token',
	'a.b',
	'e30.e30.e30.e30',
	'e30.!!!.e30',
	`e30.${Buffer.from('{"email":').toString('base64url')}.e30`,
	`e30.${Buffer.from([0xff, 0xfe, 0x7b]).toString('base64url')}.e30`,
])('of what is no JWT it reads nothing: %s', token => {
	expect(claimsOf(token)).toBeUndefined();
});

test('reads anything as a token without throwing', () => {
	fc.assert(fc.property(fc.string(), text => void claimText(['a', 'b'], claimsOf(text))));
});

test.each([
	{why: 'at the top', path: ['email'], tokens: [{email: 'm@example.test'}], text: 'm@example.test'},
	{why: 'further down', path: [auth, 'account'], tokens: [{[auth]: {account: 'acc'}}], text: 'acc'},
	{why: 'a number', path: ['id'], tokens: [{id: 17}], text: '17'},
	{why: 'in the second token', path: ['id'], tokens: [{}, {id: 'second'}], text: 'second'},
	{why: 'in the first of two', path: ['id'], tokens: [{id: 'first'}, {id: 'second'}], text: 'first'},
	{why: 'behind an empty one', path: ['id'], tokens: [{id: ''}, {id: 'second'}], text: 'second'},
	{why: 'no path', path: undefined, tokens: [{id: 'first'}], text: undefined},
	{why: 'not there', path: ['id'], tokens: [{}, undefined, 3, null], text: undefined},
	{why: 'of another type', path: ['id'], tokens: [{id: {}}, {id: true}, {id: ['x']}], text: undefined},
	{why: 'only inherited', path: ['constructor', 'name'], tokens: [{}], text: undefined},
	{why: 'of a text, not an object', path: ['id', 'length'], tokens: [{id: 'text'}], text: undefined},
])('finds the text of a claim: $why', ({path, tokens, text}) => {
	expect(claimText(path, ...tokens)).toBe(text);
});
