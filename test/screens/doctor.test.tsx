import {chmodSync} from 'node:fs';
import {join} from 'node:path';
import {expect, test} from 'vitest';
import {statePaths} from '../../source/store/paths.ts';
import {temporaryFolder} from '../support/sandbox.ts';
import {modeOf, put} from '../support/state-folder.ts';
import {type AppOptions, keys, renderApp} from './render-app.tsx';
import {apiKey, fill, hour, noon, token} from './state.ts';

/** A dashboard on a state with an error that can be mended, a warning and a note. */
async function withFindings(options: AppOptions = {}) {
	const home = temporaryFolder();
	const stateDir = join(home, 'state');
	const paths = statePaths(stateDir);
	await fill(stateDir, 'main', {
		profiles: {'acme:work': apiKey('acme'), 'acme:soon': token('acme', {expires: noon + hour})},
	});
	put(paths.plugin('acme'), {id: 'acme', label: 'Acme', auth: [{method: 'token'}]});
	put(paths.config, {agents: {list: [{id: 'later'}]}});
	chmodSync(paths.profiles('main'), 0o644);
	const app = await renderApp({stateDir, env: {HOME: home}, ...options});
	await app.press('4', 'd');
	await app.waitFor('file_mode');
	return {app, paths};
}

test('shows what is wrong, the worst first, and what helps with each', async () => {
	const {app} = await withFindings();
	const finding = (line: string) => /^..[✗!•] (\w+)/.exec(line)?.[1];
	const found = app
		.lines()
		.map(finding)
		.filter(id => id !== undefined && id !== 'port_taken');
	expect(found).toEqual(['file_mode', 'profile_expiring', 'agent_without_folder']);
	expect(app.cursorLine()).toMatch(/file_mode +…\/agents\/main\/agent\/auth-profiles\.json +by ⏎/);
	expect(app.frame()).toContain('Others may read it: its mode is 644.');
	await app.press('/', ...'expiring', keys.enter);
	await app.waitFor('jarvis models auth paste-token --provider acme --agent main');
	await app.press('y');
	await app.waitFor('Copied the command.');
	expect(app.copied).toEqual([
		"jarvis models auth paste-token --provider acme --agent main --profile-id 'acme:soon'",
	]);
	await app.press(keys.enter);
	await app.waitFor('That is for you to do');
});

test('gives commands for the state folder that was named', async () => {
	const {app, paths} = await withFindings({isNamed: true, columns: 160});
	const command = `jarvis --state-dir ${paths.root} models auth paste-token --provider acme`;
	await app.press('/', ...'expiring', keys.enter);
	await app.waitFor(command);
	await app.press('y');
	await app.waitFor(() => expect(app.copied.join()).toContain(command));
	await app.press(keys.enter);
	await app.waitFor(`That is for you to do: ${command}`);
	await app.press('9');
	await app.waitFor(`jarvis --state-dir ${paths.root} broker --keep-fresh`);
});

test('mends what can be mended, after asking, and looks again', async () => {
	const {app, paths} = await withFindings();
	await app.press(keys.enter);
	await app.waitFor('Shall JARVIS take the rights of others away?');
	await app.press('n');
	expect(modeOf(paths.profiles('main'))).toBe('644');
	await app.press(keys.enter, 'y');
	await app.waitFor('Mended.');
	await app.waitFor(() => expect(app.frame()).not.toContain('file_mode'));
	expect(modeOf(paths.profiles('main'))).toBe('600');
	await app.press(keys.esc);
	await app.waitFor('▸4 Health');
});

test('looks again when it is told to', async () => {
	const {app, paths} = await withFindings();
	chmodSync(paths.profiles('main'), 0o600);
	await app.press('r');
	await app.waitFor(() => expect(app.frame()).not.toContain('file_mode'));
});

test.each([
	[60, 16],
	[80, 24],
	[120, 40],
])('fits %i columns and %i rows', async (columns, rows) => {
	const {app} = await withFindings({columns, rows});
	await app.press('G');
	await app.waitFor('jarvis.json lists the agent later');
	expect(app.lines().length).toBeLessThanOrEqual(rows);
});
