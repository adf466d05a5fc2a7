import {readFileSync, writeFileSync} from 'node:fs';
import {expect, it} from 'vitest';
import {visit} from '../../source/sandbox/scripted-browser.ts';
import {canary, expiredEntry, openSandbox, writeStore} from '../support/sandbox.ts';
import {goTo, openDashboard, run, start, stateWithKeys, stored, toldLink} from './support.ts';

/** How long (ms) what another process did may take to be seen: it shows at once, on a busy machine too. */
const atOnce = {timeoutMs: 5000};

it('agents that another process adds and deletes come and go', async () => {
	const state = stateWithKeys(2);
	const terminal = await openDashboard(state);
	await goTo(terminal, '1');
	expect(await run(state, ['agents', 'add', 'night-shift'])).toMatchObject({code: 0});
	await terminal.waitFor(/^ {2}night-shift +0 +no credentials/m, atOnce);
	expect(await run(state, ['agents', 'set-default', 'night-shift'])).toMatchObject({code: 0});
	await terminal.waitFor(/^ {2}night-shift +★/m, atOnce);
	expect(await run(state, ['agents', 'set-default', 'main'])).toMatchObject({code: 0});
	await terminal.waitFor(/^▸ main +★/m, atOnce);
	expect(await run(state, ['agents', 'delete', 'night-shift', '--yes'])).toMatchObject({code: 0});
	await terminal.waitFor('night-shift', {...atOnce, gone: true});
});

it('a profile that another process removes goes, and the cursor stays on its own one', async () => {
	const state = stateWithKeys(5);
	const terminal = await openDashboard(state);
	await goTo(terminal, '2');
	await terminal.press('j', 'j');
	await terminal.waitFor('▸ key:003');
	expect(await run(state, ['models', 'auth', 'remove', 'key:002', '--yes'])).toMatchObject({code: 0});
	await terminal.waitFor('key:002', {...atOnce, gone: true});
	expect(terminal.text()).toContain('▸ key:003');
	expect(await run(state, ['models', 'auth', 'remove', 'key:003', '--yes'])).toMatchObject({code: 0});
	await terminal.waitFor(/▸ key:00[145]/, atOnce);
});

it('an order that another process sets shows on the order screen', async () => {
	const state = stateWithKeys(3);
	const terminal = await openDashboard(state);
	await goTo(terminal, '3');
	await terminal.waitFor(/1 +key:001/);
	const ids = ['key:003', 'key:001'];
	const set = await run(state, ['models', 'auth', 'order', 'set', '--provider', 'key', ...ids]);
	expect(set).toMatchObject({code: 0});
	await terminal.waitFor(/agent’s own order[\s\S]*1 +key:003[\s\S]*2 +key:001[\s\S]*– +key:002/, atOnce);
	expect(await run(state, ['models', 'auth', 'order', 'clear', '--provider', 'key'])).toMatchObject({
		code: 0,
	});
	await terminal.waitFor(/no explicit order[\s\S]*1 +key:001/, atOnce);
});

it('an account that another process logs in shows, and so does the first file of all', async () => {
	const sandbox = await openSandbox();
	const terminal = await openDashboard(sandbox);
	await goTo(terminal, '4');
	await terminal.waitFor('No credentials yet.');
	const login = start(sandbox, ['models', 'auth', 'login', '--provider', 'acme', '--no-browser']);
	await visit(await toldLink(login));
	expect(await login.ended).toMatchObject({code: 0});
	await terminal.waitFor(/main +acme:maya@example\.test +✓ ok/, atOnce);
});

it('a token that is over in the file is refreshed at once, unless R says not to', async () => {
	const sandbox = await openSandbox();
	const terminal = await openDashboard(sandbox);
	await terminal.press('R');
	await terminal.waitFor('Tokens are left as they are while you look.');
	await goTo(terminal, '4');
	writeStore(sandbox, 'main', {version: 1, profiles: {'acme:old': await expiredEntry(sandbox.server)}});
	await terminal.waitFor(/acme:old +↻ renews on use/, atOnce);
	expect(sandbox.server.refreshRequests).toBe(0);
	await terminal.press('r');
	await terminal.waitFor(/acme:old +✓ ok/);
	expect(sandbox.server.refreshRequests).toBe(1);
	expect(Number(stored(sandbox, 'acme:old').expires)).toBeGreaterThan(Date.now());

	// By itself again, as soon as the file changes.
	await terminal.press('R');
	await terminal.waitFor('Tokens are refreshed when they run out.');
	writeStore(sandbox, 'main', {version: 1, profiles: {'acme:new': await expiredEntry(sandbox.server)}});
	await terminal.waitFor(/acme:new +✓ ok/, atOnce);
	expect(sandbox.server.refreshRequests).toBe(2);
});

it('R refreshes at once what ran out while tokens were left as they are', async () => {
	const sandbox = await openSandbox();
	const terminal = await openDashboard(sandbox);
	await terminal.press('R', '4');
	writeStore(sandbox, 'main', {version: 1, profiles: {'acme:old': await expiredEntry(sandbox.server)}});
	await terminal.waitFor(/acme:old +↻ renews on use/);
	await terminal.press('R');
	// Before anything else on the screen changes by itself.
	await terminal.waitFor(/acme:old +✓ ok/, {timeoutMs: 3000});
});

it('a file that gets damaged is told, and comes back when it is mended', async () => {
	const state = stateWithKeys(3);
	const file = state.paths.profiles('main');
	const good = readFileSync(file, 'utf8');
	const terminal = await openDashboard(state);
	writeFileSync(file, good.replace('"key:002":', `"${canary('damaged')}" oops`));
	await terminal.waitFor(/✗ .*auth-profiles\.json is/, atOnce);
	await goTo(terminal, '2');
	await terminal.waitFor('is not valid JSON');
	expect(terminal.raw()).not.toContain('canary-damaged');
	writeFileSync(file, good);
	await terminal.waitFor('key:002', atOnce);

	writeFileSync(state.paths.config, '{"agents": ');
	await goTo(terminal, '4');
	await terminal.waitFor(/✗ .*jarvis\.json is not/, atOnce);
	expect(readFileSync(state.paths.config, 'utf8')).toBe('{"agents": ');
});

it('what is deleted here is gone for other processes too', async () => {
	const state = stateWithKeys(3);
	const terminal = await openDashboard(state);
	await goTo(terminal, '2');
	await terminal.press('j', 'D');
	await terminal.waitFor('Type 002 to do it:');
	await terminal.press(...'002', '\r');
	await terminal.waitFor('Removed key:002.');
	const {stdout} = await run(state, ['models', 'auth', 'list']);
	expect(stdout).toMatch(/key:001[\s\S]*key:003/);
	expect(stdout).not.toContain('key:002');
});
