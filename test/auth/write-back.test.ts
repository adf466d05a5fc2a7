import {existsSync, mkdirSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {describe, expect, it} from 'vitest';
import {conflictWith, judgeStep} from '../../source/auth/write-back.ts';
import type {Standing} from '../../source/auth/write-back-programs.ts';
import type {JarvisOptions} from '../../source/core.ts';
import {visit} from '../../source/sandbox/scripted-browser.ts';
import {
	type CodexSandbox,
	codexAccount,
	codexEntry,
	codexFile,
	codexProfile,
	openCodexSandbox,
	ownLogin,
	storedCodex,
} from '../support/codex.ts';
import {readStore, refusal, waiting, writeJson, writeStore} from '../support/sandbox.ts';
import {modeOf, names} from '../support/state-folder.ts';

const profile = {agentId: 'main', profileId: codexProfile, provider: 'openai-codex'};

/** A JWT that is over at a time (s). */
function expiringAt(exp: number): string {
	return ['{}', JSON.stringify({exp}), ''].map(part => Buffer.from(part).toString('base64url')).join('.');
}

function auditOf({paths}: CodexSandbox): string[] {
	if (!existsSync(paths.auditLog)) return [];
	const lines = readFileSync(paths.auditLog, 'utf8').trim().split('\n');
	return lines.map(line => JSON.parse(line)).flatMap(({event, note}) => (event === 'write_back' ? note : []));
}

/** A sandbox whose Codex is kept in step, and what a person was told beside what was asked for. */
async function inStep(options: JarvisOptions = {}) {
	const sandbox = await openCodexSandbox();
	const told: string[] = [];
	const jarvis = sandbox.open({...options, tell: text => told.push(text)});
	const on = await jarvis.switchWriteBackOn({program: 'codex'});
	return {sandbox, jarvis, told, on};
}

describe('what is written over, by what stands there', () => {
	const credential = {
		...{type: 'oauth' as const, provider: 'openai-codex', accountId: 'a'},
		...{access: expiringAt(2), refresh: 'not-a-secret-r'},
	};
	const login = {kind: 'login', account: 'a', refresh: 'not-a-secret-x', expires: 1000} as const;
	const token = {kind: 'token', account: 'a', access: 'not-a-secret-1'} as const;
	const none = () => false;

	it.each<[string, Standing, ReturnType<typeof judgeStep>]>([
		['the token before', token, 'write'],
		['the token of now', {...token, access: credential.access}, 'in step'],
		['a token of another account', {...token, account: 'b'}, 'logged_in'],
		['a login of its own', login, 'logged_in'],
		['an API key', {kind: 'other', what: 'an API key'}, 'logged_in'],
		['nothing', {kind: 'nobody'}, 'logged_out'],
	])('later: %s', (_, standing, verdict) => {
		expect(judgeStep(standing, credential)).toBe(verdict);
		expect(judgeStep(standing, undefined)).toBe('profile_gone');
	});

	it.each<[string, Standing, ReturnType<typeof conflictWith>]>([
		['nothing', {kind: 'nobody'}, undefined],
		['a token of the account', token, undefined],
		['a token of another account', {...token, account: 'b'}, 'account'],
		['an older login of the account', login, undefined],
		['one as old', {...login, expires: 2000}, 'newer'],
		['one whose age is not known', {kind: 'login', account: 'a', refresh: 'not-a-secret-x'}, 'newer'],
		['a login of another account', {...login, account: 'b'}, 'account'],
		['a login of no known account', {kind: 'login', refresh: 'not-a-secret-x'}, 'account'],
		['an API key', {kind: 'other', what: 'an API key'}, 'other'],
	])('at first: %s', (_, standing, verdict) => {
		expect(conflictWith(standing, credential, none)).toBe(verdict);
	});

	it('at first: a login whose refresh token is known here is no newer', () => {
		expect(conflictWith({...login, expires: 3000}, credential, () => true)).toBeUndefined();
	});
});

describe('a Codex that is kept in step', () => {
	it('gets the token at once, and each new one, without ever a refresh token', async () => {
		const {sandbox, jarvis, told, on} = await inStep();
		expect(on).toMatchObject({
			program: 'codex',
			home: sandbox.home,
			profileId: codexProfile,
			agentId: 'main',
		});
		const seen = new Set<string>();
		for (let count = 0; count < 3; count++) {
			const {access} = storedCodex(sandbox);
			seen.add(String(access));
			expect(codexFile(sandbox)).toEqual({
				auth_mode: 'chatgptAuthTokens',
				tokens: {id_token: access, access_token: access, refresh_token: '', account_id: codexAccount},
				last_refresh: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
			});
			await jarvis.refresh(profile, 'always');
		}
		expect(seen.size).toBe(3);
		expect(modeOf(sandbox.authFile)).toBe('600');
		expect(names(sandbox.home)).toEqual(['auth.json']);
		expect(told).toEqual([]);
		expect(auditOf(sandbox)).toEqual([
			`write-back to the Codex CLI in ${sandbox.home} was switched on`,
			...Array.from({length: 3}, () => `kept the Codex CLI in ${sandbox.home} in step`),
		]);
		// A good token, and a second look at what is in step already, write nothing.
		await jarvis.resolve({providerId: 'openai-codex'});
		await jarvis.keepInStep();
		expect(auditOf(sandbox)).toHaveLength(4);
	});

	it('gets it also from a refresh by another agent that holds the same login', async () => {
		const {sandbox, jarvis} = await inStep();
		writeStore(sandbox, 'work', {version: 1, profiles: {[codexProfile]: storedCodex(sandbox)}});
		await jarvis.refresh({...profile, agentId: 'work'}, 'always');
		expect(codexFile(sandbox).tokens?.access_token).toBe(
			readStore(sandbox, 'work').profiles[codexProfile]?.access,
		);
		expect(codexFile(sandbox).tokens?.access_token).toBe(storedCodex(sandbox).access);
	});

	it('gets it from a new login of the profile', async () => {
		const {sandbox, jarvis} = await inStep();
		const before = codexFile(sandbox).tokens?.access_token;
		const login = await jarvis.startLogin({providerId: 'openai-codex', agentId: 'main'});
		const {url} = await waiting(login);
		// By paste, since the two ports may be somebody else's on this machine.
		const {url: redirect} = await visit(url, {stopAt: to => /^145[57]$/.test(to.port)});
		await login.paste(redirect);
		expect(await login.finished).toMatchObject({step: 'done', result: {profileId: codexProfile}});
		const {access} = storedCodex(sandbox);
		expect([access !== before, codexFile(sandbox).tokens?.access_token]).toEqual([true, access]);
	});

	it('has the newest one, however many refresh at once', async () => {
		const {sandbox} = await inStep();
		const many = Array.from({length: 6}, () => sandbox.open().refresh(profile, 'always'));
		await Promise.all(many);
		expect(codexFile(sandbox).tokens?.access_token).toBe(storedCodex(sandbox).access);
	});

	it('keeps what JARVIS does not know, and the login that stood there, but for a token that is spent here', async () => {
		const sandbox = await openCodexSandbox();
		const adopted = ownLogin(storedCodex(sandbox), {
			OPENAI_API_KEY: 'not-a-secret-key',
			of_a_newer_version: [1],
		});
		writeJson(sandbox.authFile, adopted);
		const {original} = await sandbox.open().switchWriteBackOn({program: 'codex', profileId: codexProfile});
		expect(original).toBe(`${sandbox.authFile}.before-jarvis`);
		expect(codexFile(sandbox)).toMatchObject({
			...{OPENAI_API_KEY: 'not-a-secret-key', of_a_newer_version: [1]},
			tokens: {
				id_token: adopted.tokens?.id_token,
				access_token: storedCodex(sandbox).access,
				refresh_token: '',
			},
		});
		const kept = JSON.parse(readFileSync(String(original), 'utf8'));
		expect(kept).toEqual({...adopted, tokens: {...adopted.tokens, refresh_token: ''}});
		expect(modeOf(String(original))).toBe('600');
		// Again: nothing is there to be kept.
		expect(await sandbox.open().switchWriteBackOn({program: 'codex'})).not.toHaveProperty('original');
	});

	it('is left alone from the moment that it is logged in by itself, and the refresh is none the worse', async () => {
		const {sandbox, jarvis, told} = await inStep();
		const own = ownLogin(await codexEntry(sandbox.server));
		writeJson(sandbox.authFile, own);
		// Seen at once; what comes of it, with the next refresh.
		expect(await jarvis.writeBacks()).toMatchObject([{state: 'logged_in'}]);
		expect(await jarvis.refresh(profile, 'always')).toBe('refreshed');
		expect(codexFile(sandbox)).toEqual(own);
		expect(told.join(' ')).toContain(`the Codex CLI in ${sandbox.home}, because it was logged in by itself`);
		expect(await jarvis.writeBacks()).toMatchObject([{stopped: {reason: 'logged_in'}}]);
		told.length = 0;
		await jarvis.refresh(profile, 'always');
		expect([codexFile(sandbox), told]).toEqual([own, []]);
		// That login is newer than the profile's: only a person may put it away, and it is kept whole then.
		const newer = await codexEntry(sandbox.server);
		const later = ownLogin({...newer, access: storedCodex(sandbox).access});
		writeJson(sandbox.authFile, later);
		expect((await refusal(jarvis.switchWriteBackOn({program: 'codex'}))).code).toBe('write_back_conflict');
		const {original} = await jarvis.switchWriteBackOn({program: 'codex', replace: true});
		expect(JSON.parse(readFileSync(String(original), 'utf8'))).toEqual(later);
		expect(await jarvis.writeBacks()).toEqual([
			{program: 'codex', home: sandbox.home, agentId: 'main', profileId: codexProfile, state: 'in_step'},
		]);
	});

	it('is left alone once it is logged out by itself', async () => {
		const {sandbox, jarvis} = await inStep();
		rmSync(sandbox.authFile);
		await jarvis.refresh(profile, 'always');
		expect(existsSync(sandbox.authFile)).toBe(false);
		expect(await jarvis.writeBacks()).toMatchObject([{stopped: {reason: 'logged_out'}}]);
	});

	it('that cannot be written costs no refresh: it is told, recorded, noted, and made good later', async () => {
		const {sandbox, jarvis, told} = await inStep();
		const before = readFileSync(sandbox.authFile, 'utf8');
		rmSync(sandbox.authFile);
		mkdirSync(sandbox.authFile);
		expect(await jarvis.refresh(profile, 'always')).toBe('refreshed');
		expect(told.join(' ')).toContain(`Could not keep the Codex CLI in ${sandbox.home} in step`);
		expect(auditOf(sandbox).at(-1)).toContain('could not keep');
		expect(await jarvis.writeBacks()).toMatchObject([
			{state: 'unreadable', problem: {code: 'store_inaccessible'}},
		]);
		rmSync(sandbox.authFile, {recursive: true});
		writeJson(sandbox.authFile, JSON.parse(before));
		expect(await jarvis.writeBacks()).toMatchObject([{state: 'behind'}]);
		await jarvis.keepInStep();
		expect(codexFile(sandbox).tokens?.access_token).toBe(storedCodex(sandbox).access);
		expect((await jarvis.writeBacks())[0]).toEqual(expect.not.objectContaining({problem: expect.anything()}));
		expect(await jarvis.writeBacks()).toMatchObject([{state: 'in_step'}]);
	});

	it('follows its profile through a new name, and stops where that is removed', async () => {
		const {sandbox, jarvis, told} = await inStep();
		await jarvis.renameProfile('main', codexProfile, 'openai-codex:work');
		await jarvis.refresh({...profile, profileId: 'openai-codex:work'}, 'always');
		const {access} = readStore(sandbox).profiles['openai-codex:work'] ?? {};
		expect(codexFile(sandbox).tokens?.access_token).toBe(access);
		await jarvis.removeProfile('main', 'openai-codex:work');
		expect(await jarvis.writeBacks()).toMatchObject([{stopped: {reason: 'profile_gone'}}]);
		expect(told.join(' ')).toContain('the profile is gone');
	});

	it('can be given another profile, and no longer gets the first one’s tokens', async () => {
		const {sandbox, jarvis} = await inStep();
		const second = 'openai-codex:tomas@example.test';
		const entry = await codexEntry(sandbox.server, 'tomas@example.test');
		writeStore(sandbox, 'main', {
			version: 1,
			profiles: {[codexProfile]: storedCodex(sandbox), [second]: entry},
		});
		expect(await jarvis.switchWriteBackOn({program: 'codex', profileId: second})).not.toHaveProperty(
			'original',
		);
		await jarvis.refresh(profile, 'always');
		expect(codexFile(sandbox).tokens).toMatchObject({
			...{access_token: entry.access, account_id: 'sandbox-account-tomas'},
		});
		expect(await jarvis.writeBacks()).toMatchObject([{profileId: second, state: 'in_step'}]);
		// Where it was not JARVIS that put the token there, it is somebody's.
		await jarvis.switchWriteBackOff({program: 'codex'});
		const {code} = await refusal(jarvis.switchWriteBackOn({program: 'codex', profileId: codexProfile}));
		expect(code).toBe('write_back_conflict');
	});

	it('is switched off without touching its file', async () => {
		const {sandbox, jarvis} = await inStep();
		const before = readFileSync(sandbox.authFile, 'utf8');
		await jarvis.switchWriteBackOff({program: 'codex'});
		await jarvis.refresh(profile, 'always');
		expect(readFileSync(sandbox.authFile, 'utf8')).toBe(before);
		expect((await refusal(jarvis.switchWriteBackOff({program: 'codex'}))).code).toBe('write_back_unknown');
	});
});

describe('what is not begun', () => {
	it('another account, an API key, an unknown program and a token that is none for Codex change nothing', async () => {
		const sandbox = await openCodexSandbox();
		const jarvis = sandbox.open();
		const on = (more = {}) => refusal(jarvis.switchWriteBackOn({program: 'codex', ...more}));
		for (const [stands, says] of [
			[ownLogin(await codexEntry(sandbox.server, 'tomas@example.test')), 'another account'],
			[{auth_mode: 'apikey', OPENAI_API_KEY: 'not-a-secret-key'}, 'an API key'],
		] as const) {
			writeJson(sandbox.authFile, stands);
			const error = await on();
			expect([error.code, error.message]).toEqual(['write_back_conflict', expect.stringContaining(says)]);
			expect([codexFile(sandbox), names(sandbox.home)]).toEqual([stands, ['auth.json']]);
		}
		expect((await on({program: 'emacs'})).code).toBe('write_back_unsupported');
		const elsewhere = {home: join(sandbox.stateDir, 'other-codex')};
		writeStore(sandbox, 'main', {
			version: 1,
			profiles: {[codexProfile]: {...storedCodex(sandbox), access: 'not-a-secret-opaque'}},
		});
		expect((await on(elsewhere)).code).toBe('write_back_unsupported');
		expect(existsSync(elsewhere.home) && names(elsewhere.home)).toBe(false);
		expect(await jarvis.writeBacks()).toEqual([]);
	});

	it('a setting that has Codex read no file is told', async () => {
		const sandbox = await openCodexSandbox();
		mkdirSync(sandbox.home);
		const {hindrance} = await sandbox.open().switchWriteBackOn({program: 'codex'});
		expect(hindrance).toBeUndefined();
		const config = join(sandbox.home, 'config.toml');
		writeFileSync(config, 'model = "gpt-5"\ncli_auth_credentials_store = "keyring"\n');
		expect(await sandbox.open().switchWriteBackOn({program: 'codex'})).toMatchObject({
			hindrance: `cli_auth_credentials_store is "keyring" in ${config}: set it to "file"`,
		});
	});
});
