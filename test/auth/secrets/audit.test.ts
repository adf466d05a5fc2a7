import {execFileSync} from 'node:child_process';
import {chmodSync, chownSync, mkdirSync, symlinkSync, utimesSync} from 'node:fs';
import {join} from 'node:path';
import {describe, expect, it} from 'vitest';
import {fingerprint} from '../../../source/auth/identity.ts';
import {auditSecrets} from '../../../source/auth/secrets/audit.ts';
import {checkCode, type FindingCode, type SecretFinding} from '../../../source/auth/secrets/findings.ts';
import {commandTable} from '../../../source/commands/table.ts';
import {openJarvis} from '../../../source/core.ts';
import {writeJournal} from '../../../source/store/journal.ts';
import type {StatePaths} from '../../../source/store/paths.ts';
import {openReplySlot} from '../../../source/store/reply-slot.ts';
import {canary, readStore, writeStore} from '../../support/sandbox.ts';
import {emptyState, put} from '../../support/state-folder.ts';

const now = Date.now();
const key = (name: string) => ({type: 'api_key', provider: 'groq', key: canary(name)});
const token = (name: string) => ({type: 'token', provider: 'mistral', token: canary(name)});
const oauth = (name: string) => ({
	...{type: 'oauth', provider: 'acme', expires: 4_000_000_000_000},
	...{access: canary(`${name}-access`), refresh: canary(`${name}-refresh`)},
});
const ref = (id: string) => ({source: 'env', provider: 'default', id});

interface Row {
	readonly name: string;
	make(paths: StatePaths): void;
	readonly found: readonly (readonly [FindingCode, string])[];
	readonly code: 0 | 1 | 2;
	/** What is advised of one of them. */
	readonly next?: string | RegExp;
}

const profilesFile = 'agents/main/agent/auth-profiles.json';
const store = (paths: StatePaths, profiles: Record<string, Record<string, unknown>>, agentId = 'main') =>
	writeStore({paths}, agentId, {version: 1, profiles});
const isRoot = process.getuid?.() === 0;

const rows: Row[] = [
	{name: 'an empty state folder', make: () => {}, found: [], code: 0},
	{
		name: 'keys and tokens in plain text, of every agent',
		make: paths => {
			store(paths, {'groq:default': key('a')});
			store(
				paths,
				{'mistral:work': token('b'), 'groq:old': {mode: 'api_key', provider: 'groq', apiKey: 'x'}},
				'two',
			);
		},
		found: [
			['plaintext_secret', profilesFile],
			['plaintext_secret', 'agents/two/agent/auth-profiles.json'],
			['plaintext_secret', 'agents/two/agent/auth-profiles.json'],
		],
		code: 1,
		next: "jarvis secrets seal 'groq:default' --agent main",
	},
	{
		name: 'OAuth tokens, which have to be there',
		make: paths => store(paths, {'acme:me': oauth('me')}),
		found: [['oauth_at_rest', profilesFile]],
		code: 0,
	},
	{
		name: 'a secret beside its ref',
		make: paths => store(paths, {'groq:default': {...key('a'), keyRef: ref('SET')}}),
		found: [['plaintext_beside_ref', profilesFile]],
		code: 1,
	},
	{
		name: 'refs: one that resolves, one that does not, one that is none',
		make: paths =>
			store(paths, {
				'groq:good': {type: 'api_key', provider: 'groq', keyRef: ref('SET')},
				'groq:bad': {type: 'api_key', provider: 'groq', keyRef: ref('UNSET')},
				'mistral:none': {type: 'token', provider: 'mistral', tokenRef: {source: 'cloud', id: 'x'}},
			}),
		found: [
			['malformed_ref', profilesFile],
			['unresolved_ref', profilesFile],
		],
		code: 2,
		next: /^Give it a source \(env, file, exec, keychain\) and an id in \S+\/auth-profiles\.json/,
	},
	{
		name: 'a ref of a sealed secret that there is not',
		make: paths => {
			const keyRef = {source: 'keychain', provider: 'default', id: 'groq/0123'};
			store(paths, {'groq:default': {type: 'api_key', provider: 'groq', keyRef}});
		},
		found: [['unresolved_ref', profilesFile]],
		code: 2,
	},
	{
		name: 'an OAuth profile with a ref',
		make: paths => store(paths, {'acme:me': {...oauth('me'), keyRef: ref('SET')}}),
		found: [
			['oauth_with_ref', profilesFile],
			['oauth_at_rest', profilesFile],
		],
		code: 2,
		next: /^Take keyRef and tokenRef out of it in \S+\/auth-profiles\.json\.$/,
	},
	{
		name: 'secrets in jarvis.json',
		make: paths =>
			put(
				paths.config,
				`{models: {providers: {
					plain: {apiKey: '${canary('config')}'}, env: {apiKey: '\${SET}'}, unset: {apiKey: '\${UNSET}'},
					ref: {apiKey: {source: 'env', provider: 'default', id: 'UNSET'}}, wrong: {apiKey: 5},
				}}, channels: {telegram: {botToken: '${canary('bot')}', maxTokens: 5, token: '\${BOT}'}}}`,
			),
		found: [
			['unresolved_ref', 'jarvis.json'],
			['unresolved_ref', 'jarvis.json'],
			['plaintext_in_config', 'jarvis.json'],
			['plaintext_in_config', 'jarvis.json'],
		],
		code: 2,
		next: `Put the name of a variable in its place, as "\${NAME}", or give it a profile and take it out: jarvis models auth login --provider plain --method api_key`,
	},
	{
		name: 'copies with secrets that the file has no more, and not those that it has',
		make: paths => {
			store(paths, {
				'groq:default': {type: 'api_key', provider: 'groq', keyRef: ref('SET')},
				'acme:me': oauth('me'),
				'acme:given': {...oauth('given'), refresh: undefined},
			});
			const file = paths.profiles('main');
			put(`${file}.bak`, {profiles: {'groq:default': key('a')}});
			put(`${file}.orig.1`, {profiles: {'acme:given': oauth('given')}});
			put(`${file}.bak.1`, {profiles: {'acme:me': oauth('older')}});
			put(`${file}.bak.2`, {profiles: {'acme:gone': oauth('gone')}});
			put(`${file}.77-abc.tmp`, '{"profiles": {"groq:default": {"key": "');
			utimesSync(`${file}.77-abc.tmp`, now / 1000 - 3600, now / 1000 - 3600);
			put(`${file}.orig`, {profiles: {'groq:default': key('editor')}});
			put(`${file}.lock`, 'no JSON');
			// A write that is under way.
			put(`${file}.78-abc.tmp`, '{"profiles": {');
			put(paths.config, {models: {}});
			put(`${paths.config}.bak`, `{models: {providers: {groq: {'apiKey': "${canary('config')}"}}}}`);
		},
		found: [
			['plaintext_in_copy', `${profilesFile}.bak`],
			['plaintext_in_copy', `${profilesFile}.bak.2`],
			['plaintext_in_copy', `${profilesFile}.77-abc.tmp`],
			['plaintext_in_copy', `${profilesFile}.orig`],
			['plaintext_in_copy', `${profilesFile}.orig.1`],
			['plaintext_in_copy', 'jarvis.json.bak'],
			['oauth_at_rest', profilesFile],
		],
		code: 1,
		next: 'jarvis secrets prune --copies',
	},
	{
		name: 'what was kept of a damaged file, in its words or without, and what was set aside',
		make: paths => {
			store(paths, {'acme:me': oauth('me')});
			const file = paths.profiles('main');
			const shown = JSON.stringify({profiles: {'groq:lost': {...key('lost'), provider: 'groq'}}});
			put(`${file}.damaged-2026-01-01`, shown.slice(0, -2));
			put(`${file}.damaged-2026-01-02`, '{"profiles": {"acme:');
			put(`${paths.config}.damaged-2026-01-03`, `{"apiKey": "${canary('config')}" oops`);
			put(join(paths.root, 'salvaged/auth-profiles.json.1-abc-2026-01-01'), `{"${canary('cut')}`);
		},
		found: [
			['plaintext_in_copy', `${profilesFile}.damaged-2026-01-01`],
			['plaintext_in_copy', `${profilesFile}.damaged-2026-01-02`],
			['plaintext_in_copy', 'jarvis.json.damaged-2026-01-03'],
			['leftover_salvaged', 'salvaged/auth-profiles.json.1-abc-2026-01-01'],
			['oauth_at_rest', profilesFile],
		],
		code: 1,
	},
	{
		name: 'files of older programs that were not looked at yet: they may be the only copy',
		make: paths => {
			put(paths.legacyAuth('main'), {groq: key('legacy'), acme: oauth('legacy')});
			put(paths.legacyOAuth, {acme: oauth('only')});
		},
		found: [
			['legacy_plaintext', 'agents/main/agent/auth.json'],
			['legacy_plaintext', 'credentials/oauth.json'],
			['legacy_oauth', 'agents/main/agent/auth.json'],
		],
		code: 1,
		next: 'jarvis models status',
	},
	{
		name: 'keys and tokens of an older program that are stored here too, by whichever agent',
		make: paths => {
			store(paths, {'mistral:work': {...token('b'), email: 'maya@example.test'}});
			put(paths.legacyAuth('two'), {mistral: token('b')});
		},
		found: [
			['plaintext_secret', profilesFile],
			['legacy_stored', 'agents/two/agent/auth.json'],
		],
		code: 1,
	},
	{
		name: 'what older programs have left that cannot be read',
		make: paths => {
			put(paths.legacyAuth('main'), `{"groq": {"key": "${canary('cut')}`);
			put(paths.legacyOAuth, `{"acme": {"refresh": "${canary('cut')}`);
			put(`${paths.legacyOAuth}.seen`, '1 2 3');
		},
		found: [
			['unreadable_file', 'agents/main/agent/auth.json'],
			['unreadable_file', 'credentials/oauth.json'],
		],
		code: 1,
		next: 'Mend it: it is looked at again when it has changed.',
	},
	{
		name: 'what is left of a deleted agent and of a refresh',
		make: paths => {
			put(join(paths.root, '.deleting-old-5/agent/auth-profiles.json'), {profiles: {}});
			const slot = openReplySlot(paths, 'abc');
			const credential = {
				type: 'oauth',
				provider: 'acme',
				access: canary('a'),
				refresh: canary('r'),
			} as const;
			slot.keep({spent: fingerprint('x'), startedAt: 1, credential});
			slot.close();
			openReplySlot(paths, 'empty').close();
		},
		found: [
			['leftover_agent', '.deleting-old-5'],
			['kept_reply', 'journal/abc.reply'],
		],
		code: 1,
	},
	{
		name: 'files that cannot be read as what they are, which hide nothing of the others',
		make: paths => {
			put(paths.profiles('broken'), `{"profiles": {"groq:default": {"key": "${canary('broken')}" oops`);
			put(paths.config, `{"a": "${canary('config')}" oops`);
			put(paths.sealed, 'oops');
			put(paths.journal, 'no folder');
			store(paths, {'groq:default': key('a')});
		},
		found: [
			['unreadable_file', 'jarvis.json'],
			['plaintext_secret', profilesFile],
			['unreadable_file', 'agents/broken/agent/auth-profiles.json'],
			['unreadable_file', 'sealed.json'],
			['unreadable_file', 'journal'],
		],
		code: 1,
	},
	{
		name: 'files and folders that others can use',
		make: paths => {
			store(paths, {});
			chmodSync(paths.profiles('main'), 0o640);
			chmodSync(paths.agentCredentials('main'), 0o755);
			mkdirSync(join(paths.plugins, 'acme'), {recursive: true, mode: 0o755});
		},
		found: [
			['bad_mode', 'agents/main/agent'],
			['bad_mode', profilesFile],
		],
		code: 1,
	},
	{
		name: 'a plugin that others may change, and links without an end that lead nowhere else',
		make: paths => {
			for (const name of ['one', 'two']) symlinkSync('.', join(paths.root, name));
			symlinkSync('self', join(paths.root, 'self'));
			put(join(paths.plugins, 'acme/read.mjs'), '');
			put(join(paths.plugins, 'acme/changed.mjs'), '');
			chmodSync(join(paths.plugins, 'acme/read.mjs'), 0o644);
			chmodSync(join(paths.plugins, 'acme/changed.mjs'), 0o666);
		},
		found: [['bad_mode', 'plugins/acme/changed.mjs']],
		code: 1,
	},
	{
		name: 'a sealed secret that no ref needs',
		make: paths => put(paths.sealed, {version: 1, keyId: 'k', entries: {'groq/0123': 'AAAA'}}),
		found: [['sealed_unused', 'sealed.json']],
		code: 0,
		next: 'jarvis secrets prune',
	},
];

async function audit(paths: StatePaths): Promise<SecretFinding[]> {
	return auditSecrets({paths, env: {SET: canary('environment')}, now: () => now});
}

it.each(rows)('an audit finds $name', async ({make, found, code, next}) => {
	const paths = emptyState();
	mkdirSync(paths.root, {mode: 0o700});
	make(paths);
	const findings = await audit(paths);
	expect(findings.map(({code, file}) => [code, file.slice(paths.root.length + 1)])).toEqual(found);
	expect(checkCode(findings)).toBe(code);
	const isMeant = (text = '') => (typeof next === 'string' ? text === next : next?.test(text));
	if (next !== undefined) expect(findings.filter(finding => isMeant(finding.next))).not.toEqual([]);
	for (const {next: command = ''} of findings) {
		const [, words] = /\bjarvis (?!\.)([a-z][a-z -]*)/.exec(command) ?? [];
		if (words) expect(commandTable.some(({path}) => words.startsWith(path.join(' ')))).toBe(true);
	}
	expect(JSON.stringify(findings)).not.toContain('canary');
});

describe('a login that an older program had', () => {
	const claims = {accountId: 'maya'};
	const aside = async (paths: StatePaths) =>
		(await audit(paths)).find(({file}) => file === `${paths.legacyOAuth}.imported`);
	const use = (paths: StatePaths) => openJarvis({stateDir: paths.root, env: {}}).snapshot();

	it('may be removed when it was brought in and set aside, also when it was refreshed since', async () => {
		const paths = emptyState();
		put(paths.legacyOAuth, {acme: {...oauth('old'), ...claims}});
		expect((await audit(paths)).filter(({next}) => next?.includes('rm '))).toEqual([]);
		await use(paths);
		const remove = `rm '${paths.legacyOAuth}.imported'`;
		expect((await aside(paths))?.next).toBe(remove);
		store(paths, {'acme:default': {...oauth('new'), ...claims}});
		expect((await aside(paths))?.next).toBe(remove);
		store(paths, {'acme:default': oauth('new')});
		expect((await aside(paths))?.next).not.toBe(remove);
		const spent = fingerprint(canary('old-refresh'));
		writeJournal(paths, 'acme', {spent, startedAt: 1, finishedAt: 2, outcome: 'refreshed'});
		expect((await aside(paths))?.next).toBe(remove);
	});

	it.each([
		['of which nothing is stored', {}],
		['of which only the access token is stored', {'acme:me': {...oauth('old'), refresh: undefined}}],
		['of another account than what is stored', {'acme:me': {...oauth('new'), accountId: 'omar'}}],
		['newer than what is stored', {'acme:me': {...oauth('new'), ...claims, expires: 1}}],
	])('may not be removed: %s', async (_, profiles) => {
		const paths = emptyState();
		store(paths, profiles);
		put(`${paths.legacyOAuth}.imported`, {acme: {...oauth('old'), ...claims}});
		expect((await aside(paths))?.next).toMatch(/^If one is still wanted, have it brought in: mv -n /);
	});

	it('comes in after all by the command that is advised', async () => {
		const paths = emptyState();
		put(`${paths.legacyOAuth}.imported`, {acme: oauth('first')});
		put(paths.legacyOAuth, {mistral: {...oauth('second'), provider: 'mistral'}});
		await use(paths);
		const found = (await audit(paths)).find(({file}) => file === paths.legacyOAuth);
		const [, command = ''] = /: (mv .*) –/.exec(found?.next ?? '') ?? [];
		execFileSync('sh', ['-c', command]);
		await use(paths);
		expect(Object.keys(readStore({paths}).profiles)).toEqual(['mistral:default']);
		expect((await aside(paths))?.next).toMatch(/^rm /);
	});
});

it('tokens of an older program that stay there by design are no finding once they are stored', async () => {
	const paths = emptyState();
	put(paths.legacyAuth('main'), {mistral: token('kept')});
	expect(checkCode(await audit(paths))).toBe(1);
	await openJarvis({stateDir: paths.root, env: {}}).snapshot();
	const found = (await audit(paths)).filter(({file}) => file === paths.legacyAuth('main'));
	expect(found.map(({code}) => code)).toEqual(['legacy_stored']);
	expect(checkCode(found)).toBe(0);
	// Also where a ref has taken the place of the secret.
	store(paths, {'mistral:default': {type: 'token', provider: 'mistral', tokenRef: ref('KEPT')}});
	const env = {KEPT: canary('kept')};
	const audited = await auditSecrets({paths, env, now: () => now});
	expect(audited.map(({code}) => code)).toEqual(['legacy_stored']);
	// One that is stored nowhere, and was passed over.
	put(paths.legacyAuth('main'), {mistral: token('another')});
	await openJarvis({stateDir: paths.root, env: {}}).snapshot();
	const [other] = (await audit(paths)).filter(({file}) => file === paths.legacyAuth('main'));
	expect(other).toMatchObject({
		code: 'legacy_plaintext',
		next: expect.stringContaining('jarvis models auth add'),
	});
});

it.runIf(isRoot)('an audit finds files of another user (as root, who alone can make one)', async () => {
	const paths = emptyState();
	store(paths, {});
	chownSync(paths.profiles('main'), 12_345, 12_345);
	const [finding, ...others] = await audit(paths);
	expect(finding).toMatchObject({code: 'bad_owner', next: expect.stringContaining('sudo chown 0 ')});
	expect(others).toEqual([]);
});
