import fc from 'fast-check';
import {describe, expect, it, test} from 'vitest';
import {type RedirectInput, readRedirectInput} from '../../source/auth/login/redirect-input.ts';

const code = 'canary-code_1.x~/=';
const state = 'canary-state-2';
const redirect = 'http://127.0.0.1:1455/auth/callback';
const url = `${redirect}?code=canary-code&state=canary-state&iss=https%3A%2F%2Fauth.example.test`;
const response = {
	kind: 'response',
	params: {code: 'canary-code', state: 'canary-state', iss: 'https://auth.example.test'},
};

/** The input with its parameters as a plain object, so that it can be compared. */
function read(pasted: string): object {
	const input: RedirectInput = readRedirectInput(pasted);
	return input.kind === 'response' ? {...input, params: Object.fromEntries(input.params)} : input;
}

describe('the redirect URL is understood', () => {
	test.each([
		['as it is', url],
		['with white space around', `\n \t${url}  \r\n`],
		['wrapped over lines', url.replace('&state', '\n&state').replace('auth.', 'au\nth.')],
		['wrapped by Windows, indented', url.replace('&state', '\r\n    &state')],
		['with spaces at the wraps', url.replace('code', 'co de').replace('state', 'sta  te')],
		['with no-break and zero-width spaces', url.replace('code', 'co\u00A0de').replace('&', '\u200B&')],
		['with a byte order mark', `\uFEFF${url}`],
		['in double quotes', `"${url}"`],
		['in single quotes', `'${url}'`],
		['in backticks', `\`${url}\``],
		['in typographic quotes', `“${url}”`],
		['in angle brackets', `<${url}>`],
		['in brackets and quotes', `("${url}"),`],
		['with colours', `\u001B[36m${url.replace('&', '\u001B[1m&\u001B[0m')}\u001B[39m`],
		['as a terminal link', `\u001B]8;;https://example.test\u0007${url}\u001B]8;;\u0007`],
		['with the markers of a bracketed paste', `\u001B[200~${url}\u001B[201~`],
		['as a header', `Location: ${url}`],
		['as a header in lower case, wrapped', `location:\n ${url}`],
		['with a scheme in capitals', url.replace('http', 'HTTP')],
		['with a fragment behind', `${url}#_=_`],
	])('%s', (_, pasted) => {
		expect(read(pasted)).toEqual(response);
	});
});

describe('other forms are understood', () => {
	const params = {code: 'canary-code', state: 'canary-state'};
	test.each<[string, string, object]>([
		['code#state', `${code}#${state}`, {kind: 'response', params: {code, state}}],
		['code#state, wrapped and quoted', `"canary-code\n#canary-\n state"`, {kind: 'response', params}],
		['a query string with ?', '?code=canary-code&state=canary-state', {kind: 'response', params}],
		['a query string without ?', 'code=canary-code&state=canary-state', {kind: 'response', params}],
		['a query string, state first', 'state=canary-state&code=canary-code', {kind: 'response', params}],
		['a query string behind &', '&state=canary-state&code=canary-code', {kind: 'response', params}],
		['a fragment', '#code=canary-code&state=canary-state', {kind: 'response', params}],
		['a fragment response', `${redirect}#code=canary-code&state=canary-state`, {kind: 'response', params}],
		[
			'a custom scheme',
			'com.example.app:/cb?code=canary-code&state=canary-state',
			{kind: 'response', params},
		],
		[
			'an error',
			`${redirect}?error=access_denied&state=s`,
			{kind: 'response', params: {error: 'access_denied', state: 's'}},
		],
		[
			'an error as a query',
			'error=access_denied&state=s',
			{kind: 'response', params: {error: 'access_denied', state: 's'}},
		],
		[
			'an error in the fragment',
			`${redirect}#error=access_denied&state=s`,
			{kind: 'response', params: {error: 'access_denied', state: 's'}},
		],
		['a code alone', code, {kind: 'bare code', code}],
		['a code alone, wrapped and quoted', `'canary-\n code'`, {kind: 'bare code', code: 'canary-code'}],
		[
			'a code alone, pasted in brackets',
			'\u001B[200~canary-code\u001B[201~',
			{kind: 'bare code', code: 'canary-code'},
		],
	])('%s', (_, pasted, input) => {
		expect(read(pasted)).toEqual(input);
	});
});

test('the login link itself is told apart', () => {
	const link = `https://auth.example.test/authorize?response_type=code&client_id=c&state=${state}&code_challenge=x`;
	expect(read(link)).toEqual({kind: 'authorize URL'});
	expect(read(`"${link.replace('&state', '\n&state')}"`)).toEqual({kind: 'authorize URL'});
});

test.each([
	'',
	' \n\t ',
	'""',
	'<>',
	'\u001B[200~\u001B[201~',
	'\u001B[31m\u001B[0m',
	'abc',
	'hello, world!',
	'http://',
	'http://[',
	'https://example.test/',
	redirect,
	`${redirect}?state=only`,
	'?state=only',
	'#',
	'code#',
	'#canary-state',
	'{"code": "canary-code"}',
	'$(rm -rf ~)',
	'🦜🦜🦜🦜🦜🦜',
	'x'.repeat(5000),
])('what holds no code is unreadable: %j', pasted => {
	expect(read(pasted)).toEqual({kind: 'unreadable'});
});

test('an error that came with an empty description is kept', () => {
	const input = {kind: 'response', params: {error: 'server_error', error_description: '', state: 's'}};
	expect(read('?error=server_error&error_description=&state=s')).toEqual(input);
});

const text = fc.string({unit: 'grapheme', minLength: 1, maxLength: 30}).filter(value => value.isWellFormed());
const redirectUrl = fc
	.record({code: text, state: text, iss: fc.webUrl()}, {requiredKeys: ['code', 'state']})
	.map(params => ({params, href: `${redirect}?${new URLSearchParams(params)}`}));
const gap = fc.constantFrom('\n', '\r\n', ' ', '  ', '\n    ', '\t', ' \n', '\u001B[0m\n\u001B[36m');
const around = fc.constantFrom(
	['', ''],
	['"', '"'],
	["'", "'"],
	['`', '`'],
	['<', '>'],
	['“', '”'],
	['\u001B[200~', '\u001B[201~'],
	['\u001B[4m<', '>\u001B[0m'],
	['  "', '"\n'],
);

test('any redirect URL survives being wrapped at any column, quoted and coloured', () => {
	fc.assert(
		fc.property(
			redirectUrl,
			fc.integer({min: 1, max: 120}),
			gap,
			around,
			({href, params}, width, between, ends) => {
				const wrapped = href.match(new RegExp(`.{1,${width}}`, 'g'))?.join(between) ?? '';
				expect(read(`${ends[0]}${wrapped}${ends[1]}`)).toEqual({kind: 'response', params});
			},
		),
		{numRuns: 500},
	);
});

test('any query string survives the same', () => {
	fc.assert(
		fc.property(redirectUrl, fc.integer({min: 1, max: 80}), gap, ({href, params}, width, between) => {
			const query = href.slice(href.indexOf('?') + 1);
			const wrapped = query.match(new RegExp(`.{1,${width}}`, 'g'))?.join(between) ?? '';
			expect(read(wrapped)).toEqual({kind: 'response', params});
			expect(read(`?${wrapped}`)).toEqual({kind: 'response', params});
		}),
	);
});

test('nothing that is pasted makes it throw', () => {
	fc.assert(
		fc.property(fc.oneof(fc.string({unit: 'binary', maxLength: 80}), fc.webUrl()), pasted => {
			expect(['response', 'bare code', 'authorize URL', 'unreadable']).toContain(
				readRedirectInput(pasted).kind,
			);
		}),
	);
});

describe('what must not come back', () => {
	it('a paste whose escape characters a terminal library has eaten is understood', () => {
		expect(read(`[200~${url}[201~`)).toEqual(response);
	});

	it('a query string with a fragment behind keeps its state', () => {
		expect(read('?code=canary-code&state=canary-state#_=_')).toEqual({
			kind: 'response',
			params: {code: 'canary-code', state: 'canary-state'},
		});
	});

	it('a sentence is not a code', () => {
		expect(read('please paste the address here')).toEqual({kind: 'unreadable'});
	});

	it('the command line of a shell is not a code', () => {
		expect(read('npm run build')).toEqual({kind: 'unreadable'});
	});
});
