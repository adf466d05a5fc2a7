import {describe, expect, test, vi} from 'vitest';
import {type AuditEntry, appendAudit} from '../../source/store/audit-log.ts';
import {readAuditLog} from '../../source/store/audit-reader.ts';
import {rotateAuditLog} from '../../source/store/audit-rotation.ts';
import {statePaths} from '../../source/store/paths.ts';
import {watchState} from '../../source/store/watch.ts';
import {shownEntries} from '../../source/ui/log-follower.ts';
import {temporaryFolder} from '../support/sandbox.ts';
import {type AppOptions, keys, type RenderedApp, renderApp, soon} from './render-app.tsx';
import {apiKey, fill, minute, noon} from './state.ts';

const entry = (more: Partial<AuditEntry> = {}): AuditEntry => ({
	...{at: noon, event: 'handed_out', agentId: 'main', profileId: 'acme:work'},
	...{by: 'models auth token', pid: 4711, parent: 'node 4242', ...more},
});

const entries: readonly AuditEntry[] = [
	entry({at: noon - 50 * minute, event: 'login', by: 'models auth login', parent: 'zsh 77', note: 'oauth'}),
	entry({at: noon - 40 * minute}),
	entry({at: noon - 2 * minute, event: 'refresh_failed', agentId: 'work', note: 'the server was too busy'}),
	entry({at: noon - minute, event: 'refreshed', by: 'dashboard', pid: 99, parent: 'zsh 77'}),
	entry({count: 12}),
];

async function withLog(given: readonly AuditEntry[] = entries, options: AppOptions = {}) {
	const stateDir = temporaryFolder();
	const paths = statePaths(stateDir);
	await fill(stateDir, 'main', {profiles: {'acme:work': apiKey('acme')}});
	for (const one of given) appendAudit(paths, one);
	const app = await renderApp({stateDir, ...options});
	await app.press('8');
	await app.waitFor('newest first');
	return {app, paths, append: (more: Partial<AuditEntry>) => appendAudit(paths, entry(more))};
}

/** The rows of the table, each with single spaces. */
const rows = (app: RenderedApp) =>
	app
		.lines()
		.filter(line => /^..(\d\d-\d\d )?\d\d:\d\d:\d\d /.test(line))
		.map(line => line.trimEnd().replace(/ +/g, ' '));

test('shows what was done, newest first', async () => {
	const {app} = await withLog();
	await app.waitFor('login');
	expect(app.frame()).toMatchInlineSnapshot(`
		" 1 Agents  2 Profiles  3 Order  4 Health  5 Login  6 Sessions  7 Import ▸8 Log  9 Broker
		────────────────────────────────────────────────────────────────────────────────────────────────────
		  newest first, each as it comes; all of them: jarvis log
		  TIME            EVENT               OF                    BY                        NOTE
		▸ 01-15 12:00:00    handed out        main acme:work        token ← node 4242         12 times
		  01-15 11:59:00  ✓ refreshed         main acme:work        dashboard ← zsh 77
		  01-15 11:58:00  ✗ refresh failed    work acme:work        token ← node 4242         the server wa…
		  01-15 11:20:00    handed out        main acme:work        token ← node 4242
		  01-15 11:10:00  ✓ login             main acme:work        login ← zsh 77            oauth




















		 ⏎ details  g newest  / filter  ? help  q quit"
	`);
});

test('Enter shows all that an entry says, and hides it', async () => {
	const {app} = await withLog();
	await app.waitFor('login');
	await app.press('j', 'j', keys.enter);
	await app.waitFor('a token could not be refreshed');
	expect(app.frame()).toMatchInlineSnapshot(`
		" 1 Agents  2 Profiles  3 Order  4 Health  5 Login  6 Sessions  7 Import ▸8 Log  9 Broker
		────────────────────────────────────────────────────────────────────────────────────────────────────
		  newest first, each as it comes; all of them: jarvis log
		  TIME            EVENT               OF                    BY                        NOTE
		  01-15 12:00:00    handed out        main acme:work        token ← node 4242         12 times
		  01-15 11:59:00  ✓ refreshed         main acme:work        dashboard ← zsh 77
		▸ 01-15 11:58:00  ✗ refresh failed    work acme:work        token ← node 4242         the server wa…
		  01-15 11:20:00    handed out        main acme:work        token ← node 4242
		  01-15 11:10:00  ✓ login             main acme:work        login ← zsh 77            oauth












		┌──────────────────────────────────────────────────────────────────────────────────────────────────┐
		│ time      2026-01-15 11:58:00                                                                    │
		│ event     a token could not be refreshed                                                         │
		│ of        work acme:work                                                                         │
		│ by        models auth token (4711), started by node 4242                                         │
		│ note      the server was too busy                                                                │
		└──────────────────────────────────────────────────────────────────────────────────────────────────┘

		 ⏎ details  g newest  / filter  ? help  q quit"
	`);
	await app.press(keys.enter);
	await app.waitFor(() => expect(app.frame()).not.toContain('a token could not be refreshed'));
});

test('says so where nothing was done yet, and shows the first entry when it comes', async () => {
	const {app, append} = await withLog([]);
	await app.waitFor('Nothing has been done yet.');
	append({note: 'the first'});
	await app.waitFor('the first');
});

test('at the top it follows what comes; elsewhere it stays on its entry; g goes back to the newest', async () => {
	const {app, paths, append} = await withLog();
	await app.waitFor('login');
	append({by: 'the next'});
	await app.waitFor(() => expect(app.cursorLine()).toContain('the next'));
	await app.press('G');
	expect(app.cursorLine()).toContain('login');
	append({by: 'a later one'});
	rotateAuditLog(paths, {bytes: 1, kept: 8});
	append({by: 'in a next file'});
	await app.waitFor('in a next file');
	expect(app.cursorLine()).toContain('login');
	await app.press('g');
	expect(app.cursorLine()).toContain('in a next file');
	append({by: 'the last'});
	await app.waitFor(() => expect(app.cursorLine()).toContain('the last'));
	expect(rows(app)).toHaveLength(9);
});

test('a filter leaves the entries that hold a text in any column, those too that come', async () => {
	const {app, append} = await withLog();
	await app.waitFor('login');
	await app.press('/');
	await app.type('zsh');
	await app.waitFor(() => expect(rows(app)).toHaveLength(2));
	append({by: 'not wanted'});
	append({by: 'wanted', parent: 'zsh 5'});
	await app.waitFor('wanted ← zsh 5');
	expect(rows(app)).toHaveLength(3);
	await app.press(keys.esc, '/');
	await app.type('too busy');
	await app.waitFor(() => expect(rows(app)).toHaveLength(1));
	await app.press(keys.esc, '/');
	await app.type('nothing of the kind');
	await app.waitFor('Nothing among the newest holds that.');
});

test('of a long log it holds the newest, however many come, and none while another screen is shown', async () => {
	const many = Array.from({length: shownEntries + 20}, (_, index) => entry({note: `number ${index}`}));
	const {app, append} = await withLog(many);
	await soon(() => expect(app.state().log).toHaveLength(shownEntries));
	expect(app.state().log.at(-1)?.entry.note).toBe('number 20');
	append({note: 'one more'});
	await soon(() => expect(app.state().log[0]?.entry.note).toBe('one more'));
	expect(app.state().log).toHaveLength(shownEntries);
	await app.press('4');
	await app.waitFor('▸4 Health');
	expect(app.state().log).toEqual([]);
	append({note: 'meanwhile'});
	await app.press('8');
	await soon(() => expect(app.state().log[0]?.entry.note).toBe('meanwhile'));
	// Help over it keeps it.
	await app.press('?');
	await app.waitFor('▸8 Log');
	expect(app.state().log).toHaveLength(shownEntries);
});

test('what is written into the log makes nobody read the state again', async () => {
	const {app, paths, append} = await withLog();
	const changed = vi.fn();
	const unwatch = watchState(paths, changed);
	const {snapshot} = app.state();
	append({note: 'noted'});
	rotateAuditLog(paths, {bytes: 1, kept: 8});
	append({note: 'noted too'});
	await app.waitFor('noted too');
	// The watch tells in the order of what happened: a change of a file comes after all of that.
	await fill(app.stateDir, 'main', {profiles: {'acme:more': apiKey('acme')}});
	await soon(() => expect(changed).toHaveBeenCalled());
	unwatch();
	await soon(() => expect(app.state().snapshot).not.toBe(snapshot));
	expect(readAuditLog(paths, {}, 100)).toHaveLength(7);
});

test('what is done here is in it at once', async () => {
	const {app} = await withLog([]);
	await app.press('2', 'Y');
	await app.waitFor('Copy');
	await app.press('y');
	await soon(() => expect(app.copied).toHaveLength(1));
	await app.press('8');
	await app.waitFor(/handed out +main acme:work +library.* to a person/);
	expect(app.frames.join('')).not.toContain(app.copied[0]);
});

describe.each([
	[60, 16],
	[80, 24],
	[120, 40],
])('at %i columns and %i rows', (columns, lines) => {
	test('names of every kind fit, and control characters do nothing', async () => {
		const odd = ['漢字かな'.repeat(15), `${'🎉'.repeat(56)}`, '\u001b[31mred\u001b]0;title\u0007'];
		const given = odd.flatMap(name => [
			entry({profileId: name, agentId: name, note: name, by: name}),
			{...entry({provider: name}), event: name as AuditEntry['event']},
		]);
		const {app} = await withLog(given, {columns, rows: lines});
		await app.waitFor(() => expect(rows(app)).toHaveLength(6));
		await app.press(keys.enter, 'j', 'j', 'j', 'j', 'j');
		await app.waitFor(/│ time/);
		while (!/│ note/.test(app.frame())) await app.press(' ');
		expect(app.lines().length).toBeLessThanOrEqual(lines);
		expect(app.frames.join('')).not.toContain('\u001b]0;');
	});
});
