import stringWidth from 'string-width';
import {describe, expect, test} from 'vitest';
import {visit} from '../../source/sandbox/scripted-browser.ts';
import {hinted, openSandbox, readStore, redirectOf, takePort} from '../support/sandbox.ts';
import {loginState, openLogin, openWaiting, shownLink, waiting} from './login-screen.ts';
import {keys} from './render-app.tsx';

const maya = 'acme:maya@example.test';

describe('the choice of a provider', () => {
	test('lists those that there are, says what will happen, and for which agent', async () => {
		const app = await openLogin();
		expect(app.frame()).toContain('Log an account in for the agent main');
		expect(app.frame()).toContain('No browser opens: this is a test.');
		// What the person added stands first.
		expect(app.cursorLine()).toContain('Acme');
		await app.press('j');
		await app.waitFor(() => expect(app.cursorLine()).toContain('OpenAI Codex (ChatGPT)'));
		await app.press('j', 'k', 'k', 'k');
		await app.waitFor(() => expect(app.cursorLine()).toContain('Acme'));
	});

	test('can be for another agent', async () => {
		const sandbox = await openSandbox();
		await sandbox.open().addAgent({id: 'work'});
		const app = await openLogin({}, sandbox);
		await app.press(keys.right);
		await app.waitFor('for the agent work   ← → other agents');
		await app.press(keys.enter);
		await app.paste(await redirectOf(await waiting(app)));
		await app.waitFor(`✓ Logged in. ${maya} is stored`);
		expect(Object.keys(readStore(sandbox, 'work').profiles)).toEqual([maya]);
	});

	test('starts one login however often Enter comes', async () => {
		const app = await openLogin();
		await app.press(keys.enter, keys.enter, keys.enter);
		await waiting(app);
		expect(app.state().login).toMatchObject({stage: 'running'});
		// The second one may have opened the field already.
		expect(app.frame()).toMatch(/or paste the address|paste it, then Enter/);
	});
});

describe('a login that waits', () => {
	test.each([
		[60, 16],
		[80, 24],
		[100, 30],
		[300, 100],
	])('shows the whole link and nothing beside it at %dx%d', async (columns, rows) => {
		const app = await openWaiting({columns, rows});
		const {url} = await waiting(app);
		expect(shownLink(app, columns)).toBe(url);
		expect(app.lines().length).toBeLessThanOrEqual(rows);
		for (const line of app.lines()) expect(stringWidth(line)).toBeLessThanOrEqual(columns);
	});

	test('makes each row of the link a link to the whole of it', async () => {
		const app = await openWaiting({columns: 80});
		const {url} = await waiting(app);
		const frame = app.frames.at(-1) ?? '';
		expect(frame.split(`\u001b]8;id=login;${url}\u0007`)).toHaveLength(Math.ceil(url.length / 80) + 1);
	});

	test('copies the link, opens it and shows it alone', async () => {
		const app = await openWaiting();
		const {url} = await waiting(app);
		await app.press('y');
		await app.waitFor('✓ Copied the login link.');
		await app.press('b');
		await app.waitFor('✓ A browser was asked to open the link.');
		await app.press('u');
		expect([app.copied, app.opened, app.printed]).toEqual([[url], [url], [url]]);
	});

	test('tells how to bring the port here over SSH', async () => {
		const forward = (port: string) => `ssh -N -L ${port}:127.0.0.1:${port} maya@host`;
		const app = await openWaiting({
			surroundings: {browser: false, whyNot: 'this is an SSH session', forward},
		});
		await app.waitFor(
			`on your own machine: ssh -N -L ${app.sandbox.port}:127.0.0.1:${app.sandbox.port} maya@host`,
		);
		const {shortUrl = ''} = await waiting(app);
		expect(new URL(shortUrl).origin).toBe(`http://127.0.0.1:${app.sandbox.port}`);
		await app.waitFor(`or, with the port forwarded, open ${shortUrl}`);
	});

	test('tells how a container is reached, and no address that is not', async () => {
		const publish = (port: string) => `-p 127.0.0.1:${port}:${port}`;
		const app = await openWaiting({
			columns: 120,
			surroundings: {browser: false, whyNot: 'there is no display here', publish},
		});
		const {port} = app.sandbox;
		await app.waitFor(
			`In a container: publish its port (-p 127.0.0.1:${port}:${port}), and log in with --callback-bind 0.0.0.0`,
		);
		expect(app.frame()).not.toContain('with the port forwarded');
	});

	test('tells how the browser opens, where that is not plain', async () => {
		const app = await openLogin({surroundings: {browser: true, note: 'The link opens in Windows.'}});
		await app.waitFor(/paste the address it ends at\.\s+The link\s+opens\s+in\s+Windows\./);
	});

	test('is opened in the browser where there is one', async () => {
		const asked: string[] = [];
		const app = await openWaiting({
			surroundings: {browser: true},
			openBrowser: async url => void asked.push(url),
		});
		await app.waitFor('If no page came up in your browser, open this link:');
		expect(asked).toEqual([(await waiting(app)).url]);
	});

	test('goes on while another screen is shown, and is there again', async () => {
		const app = await openWaiting();
		const {url} = await waiting(app);
		await app.press('4', '1', '5');
		await app.waitFor('to come back to');
		expect(shownLink(app, 100)).toBe(url);
		await app.press('1');
		await visit(url);
		await app.waitFor(`✓ Logged in: ${maya} of the agent main.`);
		await app.press('5');
		await app.waitFor('✓ Logged in.');
	});
});

describe('a login ends with ✓ and the credential on the disk', () => {
	test('when the browser comes back', async () => {
		const app = await openWaiting();
		await visit((await waiting(app)).url);
		await app.waitFor(`✓ Logged in. ${maya} is stored, good for`);
		expect(readStore(app.sandbox).profiles[maya]).toMatchObject({type: 'oauth', provider: 'acme'});
		await app.press(keys.enter);
		await app.waitFor('Profiles of main');
		await app.waitFor(() => expect(app.cursorLine()).toContain('acme:maya'));
	});

	test('when the address is pasted', async () => {
		const app = await openWaiting();
		await app.paste(await redirectOf(await waiting(app)));
		await app.waitFor(`✓ Logged in. ${maya} is stored`);
		expect(readStore(app.sandbox).profiles[maya]).toMatchObject({type: 'oauth', provider: 'acme'});
	});

	test('when it is pasted with the line breaks of a narrow terminal', async () => {
		const app = await openWaiting();
		const address = await redirectOf(await waiting(app));
		await app.paste(` ${address.match(/.{1,40}/g)?.join('\r\n')}\n`);
		await app.waitFor('✓ Logged in.');
	});

	test('when it is pasted on a terminal that marks no pastes', async () => {
		const app = await openWaiting();
		await app.press(`${await redirectOf(await waiting(app))}\r`);
		await app.waitFor('✓ Logged in.');
	});

	test('when a code alone is pasted, but not before the person says so', async () => {
		const app = await openWaiting();
		const code = new URL(await redirectOf(await waiting(app))).searchParams.get('code') ?? '';
		await app.paste(code);
		await app.waitFor('Is this the code? Enter sends it.');
		expect(loginState(app)?.step).toBe('waiting');
		await app.press(keys.enter);
		await app.waitFor(`✓ Logged in. ${maya} is stored`);
	});

	test('when a wrong code was sent before, which is told', async () => {
		const app = await openWaiting();
		const address = await redirectOf(await waiting(app));
		await app.press('p');
		await app.type('madeupcode');
		await app.press(keys.enter);
		await app.waitFor(/! Acme refused the code: it is wrong, was used already, or is too old\. Copy/);
		expect(loginState(app)?.step).toBe('waiting');
		await app.paste(address);
		await app.waitFor('✓ Logged in.');
	});

	test('when it is typed into the field', async () => {
		const app = await openWaiting();
		const address = await redirectOf(await waiting(app));
		await app.press('p');
		await app.waitFor('paste it, then Enter');
		await app.type(address);
		await app.waitFor(`> ${address.slice(-90)}`.slice(-60));
		await app.press(keys.enter);
		await app.waitFor('✓ Logged in.');
	});

	test('when it is pasted behind what was typed of it', async () => {
		const app = await openWaiting();
		const address = await redirectOf(await waiting(app));
		await app.press('p');
		await app.type(address.slice(0, 9));
		await app.paste(address.slice(9));
		await app.waitFor('✓ Logged in.');
	});

	test('when the port is taken, by a paste, which it says', async () => {
		const sandbox = await openSandbox();
		await takePort(sandbox.port);
		const app = await openWaiting({}, sandbox);
		await app.waitFor(`to paste: port ${sandbox.port} is taken, so the browser's last page will not load`);
		await app.paste(await redirectOf(await waiting(app)));
		await app.waitFor('✓ Logged in.');
	});
});

test('the browser’s answer is waited for on one login only: a new one takes the place of the old', async () => {
	const app = await openWaiting();
	const first = await waiting(app);
	await app.press(keys.esc);
	await app.waitFor('Cancelled. Nothing was stored.');
	await app.press('r');
	const second = await waiting(app);
	expect(second.url).not.toBe(first.url);
	await visit(hinted(second.url, 'wren@example.test'));
	await app.waitFor('✓ Logged in. acme:wren@example.test is stored');
	expect(loginState(app)?.step).toBe('done');
});
