import {existsSync, readdirSync, readFileSync} from 'node:fs';
import {join} from 'node:path';
import {expect, it} from 'vitest';
import {visit} from '../../source/sandbox/scripted-browser.ts';
import {clockTime} from '../../source/words.ts';
import {hinted, openSandbox, type Sandbox, takePort, temporaryFolder} from '../support/sandbox.ts';
import {modeOf} from '../support/state-folder.ts';
import {firstAccount, goTo, linkOn, openLogin, redirectFrom, shellScript, stored, until} from './support.ts';

const profileId = `acme:${firstAccount}`;

function waitingLogins({paths}: Sandbox): string[] {
	return existsSync(paths.pendingLogins) ? readdirSync(paths.pendingLogins) : [];
}

it('a login ends by the browser’s callback, and its token is refreshed when it runs out', async () => {
	const sandbox = await openSandbox({accessTokenSeconds: 3});
	const {terminal, link} = await openLogin(sandbox);
	expect(link).toMatch(sandbox.server.authorizationEndpoint);
	const {body, status} = await visit(link);
	expect({status, body}).toEqual({status: 200, body: expect.stringContaining('JARVIS has your login')});

	await terminal.waitFor(`✓ Logged in. ${profileId} is stored`);
	await terminal.waitFor(`✓ Logged in: ${profileId} of the agent main.`);
	const first = stored(sandbox, profileId);
	expect(first).toMatchObject({type: 'oauth', provider: 'acme', email: firstAccount});
	expect(modeOf(sandbox.paths.profiles('main'))).toBe('600');
	expect(waitingLogins(sandbox)).toEqual([]);

	await goTo(terminal, '4');
	await until(() => expect(sandbox.server.refreshRequests).toBeGreaterThan(0));
	await until(() => expect(stored(sandbox, profileId).access).not.toBe(first.access));
	const second = stored(sandbox, profileId);
	expect(second.refresh).not.toBe(first.refresh);
	await terminal.waitFor(text => {
		const expires = Number(stored(sandbox, profileId).expires);
		return expires > Number(first.expires) && text.includes(clockTime(expires));
	});
	expect(terminal.text()).toMatch(/main +acme:maya@example.test +✓ ok/);
	expect(sandbox.server.events.filter(event => event.type === 'refused')).toEqual([]);
});

it('a login ends by the pasted address when the browser cannot come back', async () => {
	const sandbox = await openSandbox();
	await takePort(sandbox.port);
	const {terminal, link} = await openLogin(sandbox);
	expect(terminal.text()).toContain(`port ${sandbox.port} is taken`);
	terminal.paste(await redirectFrom(link));
	await terminal.waitFor(`✓ Logged in. ${profileId} is stored`);
	expect(stored(sandbox, profileId).access).toBeTypeOf('string');
	expect(waitingLogins(sandbox)).toEqual([]);
});

it('an address that was wrapped over lines on its way is put together again', async () => {
	const sandbox = await openSandbox();
	const {terminal, link} = await openLogin(sandbox);
	const address = await redirectFrom(link, 'wren@example.test');
	terminal.paste(`  ${address.match(/.{1,40}/g)?.join('\n  ')}\n`);
	await terminal.waitFor('✓ Logged in. acme:wren@example.test is stored');
	expect(stored(sandbox, 'acme:wren@example.test').email).toBe('wren@example.test');
});

it('a paste that comes in pieces, or that the terminal does not mark as one, is taken', async () => {
	const sandbox = await openSandbox();
	const {terminal, link} = await openLogin(sandbox);
	const address = await redirectFrom(link);
	for (const piece of ['\u{1b}[200~', address.slice(0, 40), address.slice(40), '\u{1b}[201~'])
		terminal.write(piece);
	await terminal.waitFor('✓ Logged in');

	const second = await openLogin(sandbox);
	second.terminal.write(await redirectFrom(second.link));
	await second.terminal.waitFor('✓ Logged in');
});

it('a code that is typed into the field, letter by letter, ends the login', async () => {
	const sandbox = await openSandbox();
	const {terminal, link} = await openLogin(sandbox);
	await terminal.press('p');
	await terminal.waitFor('paste it, then Enter');
	const code = new URL(await redirectFrom(link)).searchParams.get('code') ?? '';
	await terminal.press(...code);
	await terminal.waitFor(`> ${code}`);
	await terminal.press('\r');
	await terminal.waitFor('✓ Logged in');
});

it('a wrong paste is told, and the right one still ends the login', async () => {
	const sandbox = await openSandbox();
	const {terminal, link} = await openLogin(sandbox);
	terminal.paste('https://example.test/where-nothing-is');
	await terminal.waitFor('! The pasted text holds no code.');
	terminal.paste(link);
	await terminal.waitFor('! That is the login link itself.');
	const address = await redirectFrom(link);
	terminal.paste(address.replace(/state=[^&]+/, 'state=of-another-login'));
	await terminal.waitFor('! That link belongs to another login attempt');
	expect(existsSync(sandbox.paths.profiles('main'))).toBe(false);
	expect(await linkOn(terminal)).toBe(link);
	terminal.paste(address);
	await terminal.waitFor('✓ Logged in');
});

it('a pasted word that is no code leaves the login waiting', async () => {
	const sandbox = await openSandbox();
	const {terminal, link} = await openLogin(sandbox);
	terminal.paste('some words that were in the clipboard');
	await terminal.waitFor(/Acme refused the code|holds no code/);
	expect(terminal.text()).not.toContain('try again');
	terminal.paste(await redirectFrom(link));
	await terminal.waitFor('✓ Logged in');
});

it('Esc cancels a login, and r starts it again with a link of its own', async () => {
	const sandbox = await openSandbox();
	const {terminal, link} = await openLogin(sandbox);
	expect(waitingLogins(sandbox)).toHaveLength(1);
	await terminal.press('\u{1b}');
	await terminal.waitFor('Cancelled. Nothing was stored.');
	expect(waitingLogins(sandbox)).toEqual([]);
	await expect(fetch(`http://127.0.0.1:${sandbox.port}/`)).rejects.toThrow();

	await terminal.press('r');
	const second = await linkOn(terminal);
	expect(second).not.toBe(link);
	// The old link leads to an address with the old state.
	expect(await visit(link)).toMatchObject({status: 400, body: expect.stringContaining('another attempt')});
	expect(await linkOn(terminal)).toBe(second);
	await visit(second);
	await terminal.waitFor('✓ Logged in');
});

it('a login that the person denies says so, and another try may be granted', async () => {
	const sandbox = await openSandbox();
	const {terminal, link} = await openLogin(sandbox);
	const {body} = await visit(hinted(link, 'deny'));
	expect(body).toContain('The login was not granted');
	await terminal.waitFor('✗ Acme did not grant the login (access_denied');
	expect(existsSync(sandbox.paths.profiles('main'))).toBe(false);
	await terminal.press('r');
	await visit(await linkOn(terminal));
	await terminal.waitFor('✓ Logged in');
});

it('leaving with a login under way forgets it', async () => {
	const sandbox = await openSandbox();
	const {terminal} = await openLogin(sandbox);
	await terminal.press('q');
	expect(await terminal.exited).toEqual({exitCode: 0});
	expect(waitingLogins(sandbox)).toEqual([]);
});

it('the browser that $BROWSER names is given the link, and b gives it once more', async () => {
	const sandbox = await openSandbox();
	const folder = temporaryFolder();
	const opened = join(folder, 'opened');
	const browser = shellScript(folder, 'browser', `printf '%s\\n' "$#" "$@" >> '${opened}'`);
	const {terminal, link} = await openLogin(sandbox, {env: {BROWSER: browser}});
	await terminal.waitFor('If no page came up in your browser, open this link:');
	await until(() => expect(readFileSync(opened, 'utf8')).toBe(`1\n${link}\n`));
	await terminal.press('b');
	await terminal.waitFor('A browser was asked to open the link.');
	await until(() => expect(readFileSync(opened, 'utf8')).toBe(`1\n${link}\n`.repeat(2)));
	await visit(link);
	await terminal.waitFor('✓ Logged in');
});

it('a browser that does not start, or fails, leaves the link to the person', async () => {
	const sandbox = await openSandbox();
	const folder = temporaryFolder();
	const missing = await openLogin(sandbox, {env: {BROWSER: join(folder, 'no-such-browser')}});
	await missing.terminal.waitFor('Open this link in a browser:');
	await missing.terminal.press('q');
	await missing.terminal.exited;

	const failed = join(folder, 'failed');
	const browser = shellScript(folder, 'browser', `echo noise; echo noise >&2; : > '${failed}'; exit 3`);
	const {terminal, link} = await openLogin(sandbox, {env: {BROWSER: browser}});
	await until(() => expect(existsSync(failed)).toBe(true));
	await visit(link);
	await terminal.waitFor('✓ Logged in');
	expect(terminal.raw()).not.toContain('noise');
});

it('a login for a profile of another account changes nothing', async () => {
	const sandbox = await openSandbox();
	const {terminal, link} = await openLogin(sandbox);
	await visit(link);
	await terminal.waitFor('✓ Logged in');
	const before = readFileSync(sandbox.paths.profiles('main'), 'utf8');
	await terminal.press('\r');
	await terminal.waitFor('Profiles of main');
	await terminal.press('l');
	const again = await linkOn(terminal);
	await visit(hinted(again, 'tomas@example.test'));
	await terminal.waitFor(/✗ acme:maya@example.test is of maya@example.test, but [\s\S]*tomas@example.test/);
	expect(readFileSync(sandbox.paths.profiles('main'), 'utf8')).toBe(before);
});
