import {describe, expect, onTestFinished, test, vi} from 'vitest';
import type {Login} from '../../source/auth/login/contract.ts';
import {looksOf, readSecret} from '../../source/auth/login/secret-form.ts';
import {anthropic} from '../../source/auth/providers/anthropic.ts';
import {apiKeyProviders} from '../../source/auth/providers/api-keys.ts';
import {isSecretMethod, type SecretMethod} from '../../source/auth/providers/contract.ts';
import {openJarvis} from '../../source/core.ts';
import {withLock} from '../../source/store/lock.ts';
import {statePaths} from '../../source/store/paths.ts';
import {readCredentials, updateCredentials} from '../../source/store/profiles.ts';
import {canary, reaches, readStore, refusal, temporaryFolder, writeStore} from '../support/sandbox.ts';

/** A setup token of the usual length that opens nothing. */
const setupToken = `sk-ant-oat01-${canary('setup')}-${canary('token')}`.padEnd(100, '-canary');
const now = Date.UTC(2026, 0, 15, 12);

function open() {
	const stateDir = temporaryFolder();
	return {paths: statePaths(stateDir), jarvis: openJarvis({stateDir, env: {}, now: () => now})};
}

type Opened = ReturnType<typeof open>;

async function start(
	{jarvis}: Opened,
	providerId: string,
	method: string,
	more: {readonly profileId?: string; readonly expires?: number} = {},
): Promise<Login> {
	const login = await jarvis.startLogin({providerId, agentId: 'main', method, ...more});
	onTestFinished(() => login.cancel());
	await reaches(login, 'asking');
	return login;
}

async function paste(
	opened: Opened,
	text: string,
	...given: Parameters<typeof start> extends [unknown, ...infer Rest] ? Rest : never
) {
	const login = await start(opened, ...given);
	await login.paste(text);
	return {outcome: await login.finished};
}

describe('a setup token', () => {
	test('is asked for with where it is made, and kept as a token without an end', async () => {
		const opened = open();
		const login = await start(opened, 'claude', 'setup_token');
		expect(login.state()).toEqual({
			step: 'asking',
			message: 'Paste the setup token of a subscription of Anthropic (Claude)',
			hint: 'Run `claude setup-token` on any machine, and paste what it prints.',
			...{secret: true, mayBeEmpty: false},
		});
		expect(await login.paste(setupToken)).toBeUndefined();
		expect(await login.finished).toEqual({
			step: 'done',
			result: {profileId: 'anthropic:default', provider: 'anthropic', agentId: 'main', kind: 'token'},
		});
		const {profiles, usageStats} = readStore(opened);
		expect(profiles).toEqual({
			'anthropic:default': {type: 'token', provider: 'anthropic', token: setupToken},
		});
		expect(usageStats?.['anthropic:default']).toBeUndefined();
	});

	test.each<[string, string]>([
		['in quotes', `"${setupToken}"`],
		['in single quotes', `'${setupToken}'`],
		['wrapped over lines', setupToken.replace(/.{40}/g, '$&\r\n')],
		['wrapped and indented', `  ${setupToken.replace(/.{40}/g, '$&\n    ')}\n`],
		['with a terminal’s colours', `\u001B[32m${setupToken.slice(0, 50)}\u001B[0m${setupToken.slice(50)}`],
		['in a bracketed paste', `\u001B[200~${setupToken}\u001B[201~`],
		['in a bracketed paste whose escapes were eaten', `[200~${setupToken}[201~`],
		['with invisible characters', `\u200B${setupToken}\uFEFF`],
	])('%s is freed of that', async (_how, text) => {
		const opened = open();
		expect(await paste(opened, text, 'anthropic', 'setup_token')).toMatchObject({outcome: {step: 'done'}});
		expect(readStore(opened).profiles['anthropic:default']?.token).toBe(setupToken);
	});

	test.each<[string, string, RegExp]>([
		['an API key', `sk-ant-api03-${canary('key')}`, /no setup token.*begin with sk-ant-oat01-/],
		['another provider’s key', `sk-${canary('key')}`, /begin with sk-ant-oat01-/],
		['nothing', '', /Nothing was pasted/],
		['quotes alone', ' "" \n', /Nothing was pasted/],
		['words in another script', `ключ ${canary('key')}`, /characters that no secret has/],
	])('%s is refused, quoted nowhere, and asked for again', async (_what, text, message) => {
		const opened = open();
		const login = await start(opened, 'anthropic', 'setup_token');
		const state = login.state();
		const error = await refusal(login.paste(text));
		expect(error).toMatchObject({code: 'secret_malformed', message: expect.stringMatching(message)});
		expect(error.next).toContain('claude setup-token');
		expect(`${JSON.stringify(error)}${error.stack}`).not.toContain('canary');
		expect(login.state()).toBe(state);
		expect(() => readStore(opened)).toThrow('ENOENT');
		await login.paste(setupToken);
		expect(await login.finished).toMatchObject({step: 'done'});
	});

	test('that is shorter than usual is kept, with a note', async () => {
		const opened = open();
		const short = setupToken.slice(0, 60);
		const {outcome} = await paste(opened, short, 'anthropic', 'setup_token');
		const told = 'The secret is shorter than usual (60 of 80 characters): it may have been cut.';
		expect(outcome).toMatchObject({step: 'done', result: {note: told}});
		expect(readStore(opened).profiles['anthropic:default']?.token).toBe(short);
	});

	test('leaves an API key alone: each kind has a profile of its own, which the next one of it renews', async () => {
		const opened = open();
		const key = `sk-ant-api03-${canary('key')}`.padEnd(90, '-canary');
		await paste(opened, key, 'anthropic', 'api_key');
		await paste(opened, setupToken, 'anthropic', 'setup_token');
		expect(await paste(opened, `${setupToken}2`, 'anthropic', 'setup_token')).toMatchObject({
			outcome: {result: {profileId: 'anthropic:token'}},
		});
		expect(await paste(opened, `${key}2`, 'anthropic', 'api_key')).toMatchObject({
			outcome: {result: {profileId: 'anthropic:default'}},
		});
		expect(readStore(opened).profiles).toEqual({
			'anthropic:default': {type: 'api_key', provider: 'anthropic', key: `${key}2`},
			'anthropic:token': {type: 'token', provider: 'anthropic', token: `${setupToken}2`},
		});
	});

	test('by a name that is given goes there, another kind’s place included', async () => {
		const opened = open();
		await paste(opened, `sk-ant-api03-${canary('key')}`, 'anthropic', 'api_key', {
			profileId: 'anthropic:work',
		});
		await paste(opened, setupToken, 'anthropic', 'setup_token', {profileId: 'anthropic:work'});
		expect(Object.entries(readStore(opened).profiles)).toEqual([
			['anthropic:work', {type: 'token', provider: 'anthropic', token: setupToken}],
		]);
	});
});

test('a name that is not the provider’s to give is refused before anything is asked, and once more at the end', async () => {
	const opened = open();
	const at = (profileId: string) => start(opened, 'anthropic', 'setup_token', {profileId});
	expect(await refusal(at('openai:work'))).toMatchObject({code: 'profile_foreign'});
	expect(await refusal(at('no colon'))).toMatchObject({code: 'profile_invalid_id'});
	// Ids say of whom they are until another program has put something else there.
	const profiles = {
		'anthropic:lent': {type: 'api_key', provider: 'openai', key: canary('lent')},
		'anthropic:odd': {type: 'of another form', provider: 'anthropic'},
	};
	writeStore(opened, 'main', {profiles});
	expect(await refusal(at('anthropic:lent'))).toMatchObject({code: 'profile_foreign'});
	expect(await refusal(at('anthropic:odd'))).toMatchObject({code: 'profile_exists'});
	const late = await at('anthropic:late');
	writeStore(opened, 'main', {profiles: {'anthropic:late': profiles['anthropic:lent']}});
	await late.paste(setupToken);
	expect(await late.finished).toMatchObject({step: 'failed', error: {code: 'profile_foreign'}});
});

test('a second one tells whether it took the place of another secret or is the same', async () => {
	const opened = open();
	const stored = (key: string, ...given: ['groq', string, {profileId?: string}?]) =>
		paste(opened, key, ...given);
	const marks = async (...given: Parameters<typeof stored>) => {
		const {outcome} = await stored(...given);
		const {replaced, unchanged} = outcome.step === 'done' ? outcome.result : expect.fail(outcome.step);
		return {replaced, unchanged};
	};
	expect(await marks(`gsk_${canary('a')}`, 'groq', 'api_key')).toEqual({});
	expect(await marks(`gsk_${canary('b')}`, 'groq', 'api_key')).toEqual({replaced: true});
	expect(await marks(`gsk_${canary('b')}`, 'groq', 'api_key')).toEqual({unchanged: true});
	expect(await marks(`gsk_${canary('b')}`, 'groq', 'token')).toEqual({});
	expect(await marks(`gsk_${canary('b')}`, 'groq', 'token', {profileId: 'groq:default'})).toEqual({
		replaced: true,
	});
});

test('one that is pasted before it is asked for is kept for the question', async () => {
	const {jarvis} = open();
	const login = await jarvis.startLogin({providerId: 'groq', agentId: 'main', method: 'api_key'});
	expect(login.state()).toEqual({step: 'preparing'});
	const refused = refusal(login.paste(''));
	expect(await refused).toMatchObject({code: 'secret_malformed'});
	await login.paste(`gsk_${canary('early')}`);
	expect(await login.finished).toMatchObject({step: 'done'});
});

test('one that is pasted too early for a login that is cancelled is heard by nobody', async () => {
	const {jarvis} = open();
	const login = await jarvis.startLogin({providerId: 'groq', agentId: 'main', method: 'api_key'});
	const pasted = login.paste(`gsk_${canary('early')}`);
	login.cancel();
	expect(await pasted).toBeUndefined();
	expect(await login.finished).toEqual({step: 'cancelled'});
});

test('a question that nobody answers is closed in the end', async () => {
	const opened = open();
	vi.useFakeTimers({toFake: ['setTimeout', 'clearTimeout']});
	onTestFinished(() => void vi.useRealTimers());
	const login = await start(opened, 'groq', 'api_key');
	vi.advanceTimersByTime(10 * 60_000);
	expect(await login.finished).toMatchObject({step: 'failed', error: {code: 'login_timed_out'}});
});

test('a token is taken for every provider, with its end if that is told', async () => {
	const opened = open();
	const expires = now + 365 * 86_400_000;
	const {outcome} = await paste(opened, canary('token'), 'mistral', 'token', {expires});
	expect(outcome).toMatchObject({result: {profileId: 'mistral:default', kind: 'token', expires}});
	expect(readStore(opened).profiles['mistral:default']).toEqual({
		...{type: 'token', provider: 'mistral', token: canary('token'), expires},
	});
	// Where a provider gives tokens of a form, that form is looked at.
	const login = await start(opened, 'anthropic', 'token');
	expect(await refusal(login.paste(canary('token')))).toMatchObject({code: 'secret_malformed'});
});

test('an API key of an odd form is kept, with a note', async () => {
	const opened = open();
	expect(await paste(opened, canary('key'), 'groq', 'api_key')).toMatchObject({
		outcome: {result: {note: 'The secret is not like others: it does not begin with gsk_.'}},
	});
	expect(readStore(opened).profiles['groq:default']).toMatchObject({type: 'api_key', key: canary('key')});
});

test('a new secret clears what the old one was set aside for', async () => {
	const opened = open();
	await paste(opened, `gsk_${canary('old')}`, 'groq', 'api_key');
	await opened.jarvis.reportFailure({profileId: 'groq:default'}, {reason: 'billing', at: now});
	expect(readStore(opened).usageStats?.['groq:default']).toHaveProperty('disabledUntil');
	await paste(opened, `gsk_${canary('new')}`, 'groq', 'api_key');
	expect(readStore(opened).usageStats?.['groq:default']).toBeUndefined();
});

test('a cancelled one stores nothing, and takes nothing any more', async () => {
	const opened = open();
	const login = await start(opened, 'anthropic', 'setup_token');
	login.cancel();
	expect(await login.paste(setupToken)).toBeUndefined();
	expect(await login.finished).toEqual({step: 'cancelled'});
	expect(() => readStore(opened)).toThrow('ENOENT');
});

test('what is told of a secret while it is pasted shows none of it', () => {
	const method = anthropic.auth.find(isSecretMethod) as SecretMethod;
	expect(looksOf('', method)).toBe('');
	expect(looksOf(`"${setupToken}"\n`, method)).toBe(`${setupToken.length} characters: looks complete`);
	expect(looksOf(setupToken.slice(0, 40), method)).toBe(
		'40 characters: shorter than usual (40 of 80 characters): it may have been cut',
	);
	expect(looksOf(canary('key'), method)).not.toContain('canary');
	// How long keys of this kind are is not known.
	const groq = apiKeyProviders.find(({id}) => id === 'groq')?.auth.find(isSecretMethod) as SecretMethod;
	expect(looksOf('gsk_abc', groq)).toBe('7 characters');
	expect(readSecret(setupToken, method)).toEqual({secret: setupToken});
});

test('a login that is cancelled while its secret is being stored stores nothing', async () => {
	const opened = open();
	const login = await start(opened, 'groq', 'api_key');
	await withLock(opened.paths.locks, 'store-main', async () => {
		await login.paste(`gsk_${canary('late')}`);
		login.cancel();
		expect(await login.finished).toEqual({step: 'cancelled'});
	});
	// Whoever waited for the lock has had it by then.
	await updateCredentials(opened.paths, 'main', () => {});
	expect((await readCredentials(opened.paths, 'main')).profiles.size).toBe(0);
});
