import {symlinkSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {describe, expect, it} from 'vitest';
import {codexAuthFile, codexHome, readCodexAuth, updateCodexAuth} from '../../source/store/codex-auth.ts';
import {objectMember} from '../../source/store/json.ts';
import {emptyState, modeOf, names, put, temporaryFolder, text} from '../support/state-folder.ts';

const file = {
	auth_mode: 'chatgpt',
	OPENAI_API_KEY: null,
	tokens: {
		id_token: 'not-a-secret-id',
		access_token: 'not-a-secret-access',
		refresh_token: 'not-a-secret-refresh',
		account_id: 'account-1',
		of_a_newer_version: {kept: true},
	},
	last_refresh: '2026-11-25T10:00:00.123456789Z',
	agent_identity: {kept: 'too'},
};

describe('the login of the Codex CLI', () => {
	it('is found in $CODEX_HOME, else in the home folder', () => {
		expect(codexHome({CODEX_HOME: '/srv/codex', HOME: '/home/me'})).toBe('/srv/codex');
		expect(codexHome({CODEX_HOME: '', HOME: '/home/me'})).toBe('/home/me/.codex');
		expect(codexAuthFile('/srv/codex')).toBe('/srv/codex/auth.json');
	});

	it('is read, of other types as absent, and told apart from none', async () => {
		const home = temporaryFolder();
		expect(await readCodexAuth(home)).toBeUndefined();
		put(codexAuthFile(home), file);
		expect(await readCodexAuth(home)).toEqual({
			authMode: 'chatgpt',
			tokens: {
				idToken: 'not-a-secret-id',
				accessToken: 'not-a-secret-access',
				refreshToken: 'not-a-secret-refresh',
				accountId: 'account-1',
			},
			lastRefresh: Date.UTC(2026, 10, 25, 10, 0, 0, 123),
		});
		put(codexAuthFile(home), {
			auth_mode: 1,
			OPENAI_API_KEY: 'not-a-secret-key',
			tokens: [],
			last_refresh: 'soon',
		});
		expect(await readCodexAuth(home)).toEqual({apiKey: 'not-a-secret-key'});
		put(codexAuthFile(home), '{"tokens": {"access_token": "not-a-sec');
		await expect(readCodexAuth(home)).rejects.toMatchObject({
			code: 'store_damaged',
			message: expect.not.stringContaining('not-a-sec'),
		});
	});

	it('is changed privately and where a link leads, and keeps what is not known here', async () => {
		const home = temporaryFolder();
		const elsewhere = join(temporaryFolder(), 'auth.json');
		put(elsewhere, file);
		symlinkSync(elsewhere, codexAuthFile(home));
		const before = text(elsewhere);
		await updateCodexAuth(emptyState(), home, () => undefined);
		expect(text(elsewhere)).toBe(before);
		await updateCodexAuth(emptyState(), home, document => {
			objectMember(document, 'tokens').access_token = 'not-a-secret-new';
		});
		expect(JSON.parse(text(elsewhere))).toEqual({
			...file,
			tokens: {...file.tokens, access_token: 'not-a-secret-new'},
		});
		expect(modeOf(elsewhere)).toBe('600');
		expect(names(home)).toEqual(['auth.json']);
	});

	it('is made where there is none', async () => {
		const home = join(temporaryFolder(), 'codex');
		await updateCodexAuth(emptyState(), home, (document, current) => {
			expect(current).toBeUndefined();
			document.auth_mode = 'chatgpt';
		});
		expect(await readCodexAuth(home)).toEqual({authMode: 'chatgpt'});
		expect([modeOf(home), modeOf(codexAuthFile(home))]).toEqual(['700', '600']);
	});

	it('is left to Codex where that writes at the same moment', async () => {
		const home = temporaryFolder();
		put(codexAuthFile(home), file);
		const ofCodex = '{"auth_mode": "apikey"}';
		const updated = updateCodexAuth(emptyState(), home, document => {
			document.auth_mode = 'chatgptAuthTokens';
			writeFileSync(codexAuthFile(home), ofCodex);
		});
		await expect(updated).rejects.toMatchObject({code: 'store_changed'});
		expect(text(codexAuthFile(home))).toBe(ofCodex);
		expect(names(home)).toEqual(['auth.json']);
	});
});
