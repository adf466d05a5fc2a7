import {afterEach, beforeEach, expect, it, test, vi} from 'vitest';
import {statePaths} from '../../source/store/paths.ts';
import {declare} from '../support/plugins.ts';
import {temporaryFolder, writeJson} from '../support/sandbox.ts';
import {keys, type RenderedApp, renderApp} from './render-app.tsx';
import {apiKey, fill, hour, noon, oauth, token} from './state.ts';

beforeEach(() => {
	vi.stubEnv('INK_SCREEN_READER', 'true');
});
afterEach(() => {
	vi.unstubAllEnvs();
});

async function withProfiles(): Promise<RenderedApp> {
	const stateDir = temporaryFolder();
	declare(stateDir, 'acme');
	await fill(stateDir, 'main', {
		profiles: {
			'acme:key': apiKey('acme'),
			'acme:maya': oauth('acme', {email: 'maya@example.test'}),
			'acme:old': token('acme', {expires: noon - hour}),
		},
	});
	return renderApp({stateDir});
}

test('a screen reader is told the rows, their states in words, and which is selected', async () => {
	const app = await withProfiles();
	await app.waitFor('list:');
	const rows = app.lines().filter(line => /acme:/.test(line) && !line.includes('next:'));
	expect(rows.map(line => line.replace(/ +/g, ' '))).toMatchInlineSnapshot(`
		[
		  "list: listitem: (selected) ▸ main acme:old ✗ expired over 2026-01-15 11:00:00",
		  "listitem: main acme:maya ✓ ok 40m 0s 2026-01-15 12:40:00",
		  "listitem: main acme:key • static – – ",
		]
	`);
	await app.press('j');
	await app.waitFor(/\(selected\) .*acme:maya/);
	expect(app.frame().match(/\(selected\)/g)).toHaveLength(1);
});

test('a screen reader is told which field is to be filled', async () => {
	const app = await withProfiles();
	await app.press('2', 'e');
	await app.waitFor(/textbox: acme:key/);
	await app.waitFor('Rename acme:key');
});

test('a screen reader is told the sessions, and the line in which a command is typed', async () => {
	const app = await withProfiles();
	const session = {providerOverride: 'acme', modelOverride: 'small', updatedAt: noon - hour};
	writeJson(statePaths(app.stateDir).sessions('main'), {'chat:42': session, plain: {}});
	await app.press('6');
	await app.waitFor('listitem: (selected) ▸ chat:42');
	const rows = app.lines().filter(line => line.includes('listitem:'));
	expect(rows.map(line => line.replace(/ +/g, ' '))).toMatchInlineSnapshot(`
		[
		  "list: listitem: (selected) ▸ chat:42 acme/small acme:maya – 1h ago",
		  "listitem: plain default by the order – never",
		]
	`);
	await app.waitFor('model      acme/small (the session’s model)');
	await app.press(':');
	await app.waitFor(/textbox: \/model/);
	await app.type('nothing');
	await app.press(keys.enter);
	await app.waitFor('This session uses acme/nothing from now on.');
	expect(app.frame()).not.toMatch(/──|━━|│/);
});

// The rule under the header is read out, character by character.
it('a screen reader is told nothing of lines that only please the eye', async () => {
	const app = await withProfiles();
	await app.waitFor('list:');
	expect(app.frame()).not.toMatch(/──|━━/);
});
