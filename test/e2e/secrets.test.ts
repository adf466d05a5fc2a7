import {readdirSync, readFileSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {expect, it} from 'vitest';
import {commandTable} from '../../source/commands/table.ts';
import {visit} from '../../source/sandbox/scripted-browser.ts';
import {canary, openSandbox, type Sandbox, writeJson, writeStore} from '../support/sandbox.ts';
import {exposed} from '../support/state-folder.ts';
import {goTo, linkOn, openDashboard, redirectFrom, run, start, toldLink, until} from './support.ts';

const keyOf = (name: string) => ({type: 'api_key', provider: 'key', key: canary(name)});
const oauthOf = (name: string, expires: number) => ({
	...{type: 'oauth', provider: 'acme', expires, email: `${name}@example.test`, accountId: name},
	...{access: canary(`${name}-access`), refresh: canary(`${name}-refresh`)},
});

/** A state folder with a secret in every place that can hold one. */
async function openSecrets(): Promise<Sandbox> {
	const sandbox = await openSandbox();
	const {stateDir, paths} = sandbox;
	const later = Date.now() + 3_600_000;
	writeStore(sandbox, 'main', {
		profiles: {
			'key:default': {...keyOf('key'), metadata: {note: canary('note')}},
			'setup:work': {type: 'token', provider: 'setup', token: canary('token'), expires: later},
			'setup:old': {type: 'token', provider: 'setup', token: canary('old-token'), expires: 1},
			'acme:good': oauthOf('good', later),
			'acme:over': oauthOf('over', 1),
			'acme:both': {...oauthOf('both', later), keyRef: {source: 'env', provider: 'default', id: 'CANARY'}},
			'future:default': {type: 'passkey', provider: 'future', secret: canary('future')},
			'ref:env': {
				type: 'api_key',
				provider: 'ref',
				keyRef: {source: 'env', provider: 'default', id: 'CANARY'},
			},
		},
		order: {acme: ['acme:over', 'acme:good']},
	});
	writeJson(paths.sessions('main'), {
		chat: {authProfileOverride: 'acme:over', authProfileOverrideSource: 'user', memory: canary('memory')},
	});
	writeStore(sandbox, 'broken', {profiles: {}});
	writeJson(paths.sessions('broken'), {});
	writeFileSync(paths.sessions('broken'), `{"chat": {"memory": "${canary('broken-memory')}" oops`);
	writeFileSync(paths.profiles('broken'), `{"profiles": {"key:default": {"key": "${canary('broken')}" oops`);
	writeJson(paths.config, {
		agents: {list: [{id: 'broken'}]},
		models: {providers: {configured: {apiKey: canary('config')}}},
		channels: {telegram: {botToken: canary('bot'), accounts: {work: {token: canary('account')}}}},
		bindings: [{agentId: 'broken', match: {channel: 'discord', guildId: canary('guild')}}],
	});
	writeJson(join(paths.agentCredentials('main'), 'auth.json'), {key: keyOf('legacy')});
	writeJson(join(stateDir, 'credentials', 'oauth.json'), {acme: oauthOf('legacy-oauth', later)});
	const theirs = openclawOf(sandbox);
	writeJson(join(theirs, 'openclaw.json'), {
		channels: {telegram: {botToken: canary('their-bot')}},
		models: {
			providers: {key: {baseUrl: 'https://key.example.test', apiKey: canary('their-config'), models: []}},
		},
	});
	writeJson(join(theirs, 'agents/main/agent/auth-profiles.json'), {
		profiles: {
			'key:theirs': keyOf('their-key'),
			'key:default': keyOf('their-other-key'),
			'acme:theirs': oauthOf('theirs', later),
			'future:theirs': {type: 'passkey', provider: 'future', secret: canary('their-future')},
		},
	});
	return sandbox;
}

/** A folder of openclaw with secrets. */
function openclawOf({stateDir}: Sandbox): string {
	return join(stateDir, 'their-openclaw');
}

/** Every string that a secret member of a file of the state folder holds, and those of the environment. */
function secretsIn({stateDir}: Sandbox): Set<string> {
	const secrets = new Set([canary('environment')]);
	for (const name of readdirSync(stateDir, {recursive: true, withFileTypes: true})) {
		if (!name.isFile() || name.name === 'jarvis.plugin.json') continue;
		const text = readFileSync(join(name.parentPath, name.name), 'utf8');
		for (const [found] of text.matchAll(/canary-[\w-]+/g)) secrets.add(found);
		for (const [, found = ''] of text.matchAll(/"(?:access|refresh|verifier)": ?"([^"]+)"/g))
			secrets.add(found);
	}
	return secrets;
}

/** Fails when a text holds a secret, or more of its end than is shown on purpose. */
function expectNone(secrets: ReadonlySet<string>, text: string, where: string): void {
	for (const secret of secrets) {
		const holds = text.includes(secret.slice(0, -4)) || text.includes(secret.slice(-8));
		expect(holds ? `${where} shows ${secret}:\n${text}` : '').toBe('');
	}
}

const provider = ['--provider', 'acme'];
const commands: readonly (readonly string[])[] = [
	[],
	['models', 'status', '--check'],
	['models', 'status', '--agent', 'broken'],
	['models', 'auth', 'list'],
	['models', 'auth', 'list', '--agent', 'broken'],
	['models', 'auth', 'order', 'get', ...provider],
	['models', 'auth', 'order', 'set', ...provider, 'acme:good', 'acme:over'],
	['models', 'auth', 'order', 'set', ...provider, 'acme:nobody'],
	['models', 'auth', 'order', 'clear', ...provider],
	['models', 'auth', 'token', ...provider, '--profile', 'acme:over'],
	['models', 'auth', 'token', ...provider, '--profile', 'acme:both'],
	['models', 'auth', 'token', '--provider', 'key', '--agent', 'broken'],
	['models', 'auth', 'token', '--provider', 'setup', '--profile', 'setup:old'],
	['models', 'auth', 'token', '--provider', 'future'],
	['models', 'auth', 'token'],
	['models', 'auth', 'token', '--model', 'acme/large@acme:over'],
	['models', 'auth', 'token', '--model', 'acme/large@acme:nobody'],
	['models', 'auth', 'token', ...provider, '--session', 'chat'],
	['models', 'auth', 'token', ...provider, '--session', 'chat', '--agent', 'broken'],
	['models', 'auth', 'token', '--provider', 'setup', '--min-ttl', '5h'],
	['models', 'auth', 'token', '--provider', 'setup', '--format', 'credential-process'],
	['exec', ...provider, '--', 'true'],
	['exec', ...provider, '--profile', 'acme:over', '--', 'true'],
	['exec', '--provider', 'setup,ref', '--env', 'A=setup', '--', 'true'],
	['exec', '--all', '--', 'true'],
	['exec', '--all', '--agent', 'broken', '--', 'true'],
	['git-credential', ...provider, '--host', 'git.example.test', 'get'],
	['doctor'],
	['doctor', '--fix', '--dry-run'],
	['log'],
	['log', '--event', 'refresh_failed', '--limit', '5'],
	['which', 'acme'],
	['which', 'acme', '--session', 'chat', '--min-ttl', '2h'],
	['which', 'acme/large@acme:both'],
	['which', 'future'],
	['which', 'key', '--agent', 'broken'],
	['models', 'auth', 'report', 'acme:good', 'billing'],
	['models', 'auth', 'report', 'key:default', 'auth', '--permanent'],
	['models', 'auth', 'report', 'key:default', 'auth', '--agent', 'broken'],
	['models', 'auth', 'report', 'acme:nobody', 'auth'],
	['models', 'auth', 'token', '--provider', 'key', '--ready'],
	['which', 'key'],
	['which', 'configured'],
	['models', 'auth', 'write-back', 'on', 'codex'],
	['models', 'auth', 'write-back', 'on', 'codex', '--profile', 'acme:good'],
	['models', 'auth', 'write-back', 'list'],
	['models', 'auth', 'write-back', 'off', 'codex'],
	['models', 'auth', 'cooldown', 'clear', 'acme:good'],
	['models', 'auth', 'cooldown', 'clear', 'key:default'],
	['models', 'auth', 'cooldown', 'clear', 'key:default', '--agent', 'broken'],
	['import', '--list'],
	['import', 'codex', '--adopt', '--agent', 'broken'],
	['completion', 'values', 'profile'],
	['completion', 'values', 'profile', '--agent', 'broken'],
	['sessions', 'list'],
	['sessions', 'list', '--agent', 'broken'],
	['sessions', 'show', 'chat'],
	['sessions', 'show', 'chat', '--agent', 'broken'],
	['sessions', 'send', 'chat', '/model acme/large@acme:good'],
	['sessions', 'send', 'chat', '/model acme/large@acme:nobody'],
	['sessions', 'send', 'chat', '/model list'],
	['sessions', 'send', 'chat', '/model', '--agent', 'broken'],
	['sessions', 'show', 'chat'],
	['sessions', 'reset', 'chat'],
	['sessions', 'reset', 'nobody'],
	['models', 'auth', 'logout', 'acme:good'],
	['models', 'auth', 'logout', 'acme:good', '--yes'],
	['models', 'auth', 'logout', 'setup:work', '--yes'],
	['models', 'auth', 'logout', 'key:default', '--yes', '--agent', 'broken'],
	['onboard'],
	['onboard', '--non-interactive', '--auth-choice', 'acme'],
	['onboard', '--non-interactive', '--auth-choice', 'groq', '--agent', 'broken'],
	['models', 'auth', 'add'],
	['models', 'auth', 'setup-token'],
	['models', 'auth', 'paste-token', '--provider', 'acme', '--expires-in', '1d'],
	['models', 'auth', 'paste-token', '--provider', 'acme', '--agent', 'broken'],
	['models', 'status', '--probe', '--probe-report'],
	['secrets', 'reload'],
	['watch', '--once', '--hook', 'env'],
	['watch', '--once', '--agent', 'broken', '--warn', '2h'],
	['broker', '--socket', '/b.sock'],
	['broker', 'status'],
	['broker', 'stop'],
	['broker', 'install', '--print'],
	['broker', 'uninstall'],
	['plugins', 'list'],
	['plugins', 'add', './no-such-folder'],
	['plugins', 'remove', 'acme'],
	['secrets', 'reload'],
	['secrets', 'audit', '--check'],
	['secrets', 'seal', '--all', '--agent', 'main'],
	['secrets', 'seal', '--all'],
	['secrets', 'seal', 'key:default', '--dry-run'],
	['secrets', 'seal', 'acme:good'],
	['secrets', 'seal', 'setup:work', '--agent', 'broken'],
	['secrets', 'unseal', 'key:default', '--yes'],
	['secrets', 'configure'],
	['secrets', 'configure', 'key:default', '--to', 'env:default:CANARY'],
	['secrets', 'apply', '--dry-run'],
	['secrets', 'apply'],
	['secrets', 'prune', '--yes'],
	['models', 'auth', 'remove', 'key:default'],
	['models', 'auth', 'remove', 'key:default', '--yes'],
	['models', 'auth', 'remove', 'key:default', '--yes', '--agent', 'broken'],
	['models', 'auth', 'finish', 'http://127.0.0.1/?code=none&state=none'],
	['agents', 'list'],
	['agents', 'add', 'work'],
	['agents', 'bind', '--agent', 'main', '--channel', 'telegram'],
	['agents', 'bind', '--agent', 'work', '--channel', 'telegram'],
	['agents', 'unbind', '--agent', 'main', '--channel', 'signal'],
	['models', 'list'],
	['models', 'set', 'key/small'],
	['models', 'aliases', 'add', 'Small', 'key/small'],
	['models', 'aliases', 'list'],
	['models', 'aliases', 'remove', 'small'],
	['models', 'fallbacks', 'add', 'key/large'],
	['models', 'fallbacks', 'list'],
	['models', 'fallbacks', 'remove', 'key/large'],
	['models', 'fallbacks', 'clear'],
	['agents', 'bindings'],
	['agents', 'route', '--channel', 'discord'],
	['channels', 'list'],
	['channels', 'list', '--agent', 'broken'],
	['agents', 'set-default', 'broken'],
	['agents', 'set-default', 'main'],
	['agents', 'delete', 'broken'],
	['agents', 'delete', 'broken', '--yes'],
	['agents', 'delete', 'main', '--yes'],
	['models', 'auth', 'login'],
	['import', 'openclaw', '--dry-run'],
	['import', 'openclaw'],
	['import', 'openclaw', './no-such-folder'],
	['export', 'openclaw', '.', '--merge'],
	['export', 'openclaw', '.', '--with-refresh-tokens'],
];

it('no command shows a secret, whether it works or fails, also with JARVIS_DEBUG', async () => {
	const sandbox = await openSecrets();
	const secrets = secretsIn(sandbox);
	expect(secrets.size).toBeGreaterThan(14);
	const env = {JARVIS_DEBUG: '1', CANARY: canary('environment'), OPENCLAW_STATE_DIR: openclawOf(sandbox)};
	const codes = new Set<number | null>();
	for (const args of commands) {
		const both = [[], ['--json']].map(flags => run(sandbox, [...args, ...flags], {env}));
		for (const {code, stdout, stderr} of await Promise.all(both)) {
			codes.add(code);
			expectNone(secrets, stdout + stderr, args.join(' '));
		}
	}
	expectNone(secrets, readFileSync(sandbox.paths.auditLog, 'utf8'), 'the audit log');
	expect([...codes].sort()).toEqual([0, 1, 2, 3]);
	// More than a hundred runs, one command after the other.
}, 120_000);

it('every command is among those that are tried here', () => {
	const tried = commands.map(words => words.join(' '));
	const untried = commandTable.map(({path}) => path.join(' ')).filter(path => path !== 'completion');
	expect(untried.filter(path => !tried.some(words => words.startsWith(path)))).toEqual([]);
});

const sent = canary('over-refresh');

async function expectNotQuoted(
	...replies: Parameters<Sandbox['server']['setTokenFailure']>[0][]
): Promise<void> {
	const sandbox = await openSecrets();
	const secrets = secretsIn(sandbox);
	for (const reply of replies) {
		sandbox.server.setTokenFailure(reply);
		const args = ['models', 'auth', 'token', ...provider, '--profile', 'acme:over'];
		const {code, stdout, stderr} = await run(sandbox, args, {env: {JARVIS_DEBUG: '1'}});
		expect([1, 3]).toContain(code);
		expectNone(secrets, stdout + stderr, `the answer to ${reply?.body}`);
	}
}

it('a server that repeats what it was sent is not quoted', async () => {
	await expectNotQuoted(
		{status: 500, body: `<html>${sent}</html>`, contentType: 'text/html'},
		{status: 200, body: `{"access_token": "${sent}", "token_type": "bearer", oops`},
		{status: 200, body: JSON.stringify({refresh_token: sent, token_type: 'bearer'})},
		{status: 400, body: JSON.stringify({error: 'invalid_grant', error_description: `no ${sent}`})},
	);
});

it('nor is its description of what was wrong with it', async () => {
	const body = JSON.stringify({error: 'invalid_request', error_description: `what is ${sent}?`});
	await expectNotQuoted({status: 400, body});
});

it('no login shows a secret, nor does the list of processes', async () => {
	const sandbox = await openSandbox();
	const login = start(sandbox, ['models', 'auth', 'login', ...provider, '--no-browser', '--json']);
	const address = await redirectFrom(await toldLink(login));
	const secrets = secretsIn(sandbox);
	expect(secrets.size).toBeGreaterThan(1);
	sandbox.server.setTokenDelay(300);
	login.type(`${address}\n`);
	await until(() => expect(sandbox.server.tokenRequests).toHaveLength(1));
	secrets.add(new URL(address).searchParams.get('code') ?? '');
	expectNone(secrets, readFileSync(`/proc/${login.pid}/cmdline`, 'utf8'), 'the list of processes');
	const {code, stdout, stderr} = await login.ended;
	expect(code).toBe(0);
	for (const secret of secretsIn(sandbox)) secrets.add(secret);
	expect(secrets.size).toBeGreaterThan(3);
	expectNone(secrets, stdout + stderr, 'login');
});

it('no screen of the dashboard shows a secret, nor does the list of processes', async () => {
	const sandbox = await openSecrets();
	const secrets = secretsIn(sandbox);
	const terminal = await openDashboard(sandbox, {
		env: {JARVIS_DEBUG: '1', CANARY: canary('environment')},
	});
	await goTo(terminal, '8');
	await terminal.press('\r', '4', 'd');
	for (const digit of ['1', '3', '4', '7', '9', '6'] as const) await goTo(terminal, digit);
	// A question about a session, an answer in it, and a command that is refused.
	await terminal.press('x', 'n', ':', ...'list', '\r');
	await terminal.waitFor('> /model', {gone: true});
	await terminal.press(':', ...'x@', '\t', '\r', '\u{1b}');
	await terminal.waitFor('> /model', {gone: true});
	await terminal.press(']', '[');
	await goTo(terminal, '2');
	// Every profile with its details, and every question that is asked about one.
	for (let row = 0; row < 7; row++)
		await terminal.press('Y', 'n', 'e', '\u{1b}', 'D', '\u{1b}', 'r', 'y', 'j');
	await terminal.press(']', ']', '3', '?', ' ', '\u{1b}');
	await goTo(terminal, '5');
	await terminal.press('\r');
	const link = await linkOn(terminal);
	for (const secret of secretsIn(sandbox)) secrets.add(secret);
	expectNone(secrets, readFileSync(`/proc/${terminal.pid}/cmdline`, 'utf8'), 'the list of processes');
	await visit(link);
	await terminal.waitFor('✓ Logged in');
	await terminal.press('\r', '4', 'q');
	await terminal.exited;
	for (const secret of secretsIn(sandbox)) secrets.add(secret);
	expect(secrets.size).toBeGreaterThan(18);
	expectNone(secrets, terminal.raw(), 'the dashboard');
});

it('nothing in the state folder is readable for others', async () => {
	const sandbox = await openSandbox();
	const login = start(sandbox, ['models', 'auth', 'login', ...provider, '--no-browser']);
	await visit(await toldLink(login));
	await login.ended;
	await run(sandbox, ['agents', 'add', 'work']);
	await run(sandbox, ['models', 'auth', 'order', 'set', ...provider, 'acme:maya@example.test']);
	expect(exposed(sandbox.stateDir)).toEqual([]);
});
