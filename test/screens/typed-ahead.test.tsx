import {describe, expect, it, test} from 'vitest';
import {openJarvis} from '../../source/core.ts';
import {temporaryFolder} from '../support/sandbox.ts';
import {keys, type RenderedApp, renderApp} from './render-app.tsx';
import {fill, manyKeys} from './state.ts';

async function withTen(): Promise<RenderedApp> {
	const stateDir = temporaryFolder();
	await fill(stateDir, 'main', {profiles: manyKeys(10)});
	const app = await renderApp({stateDir});
	await app.press('2');
	await app.waitFor('acme:010');
	return app;
}

const agentIds = async ({stateDir}: RenderedApp) =>
	(await openJarvis({stateDir, env: {}}).snapshot()).agents.map(agent => agent.id);

describe('keys that arrive in one piece', () => {
	test.each([
		['jjj', 'acme:004'],
		['\u001b[B\u001b[B\u001b[B', 'acme:004'],
		['jjj\u001b[B\u001b[B', 'acme:006'],
		['Gkk', 'acme:008'],
		['jjjjjkjk', 'acme:005'],
		['j'.repeat(40), 'acme:010'],
	])('all move the cursor: %j', async (piece, id) => {
		const app = await withTen();
		await app.press(piece);
		await app.waitFor(() => expect(app.cursorLine()).toContain(id));
	});

	test('all delete: three backspaces take three characters', async () => {
		const app = await withTen();
		await app.press('e', '\u007f\u007f\u007f');
		await app.waitFor('> acme:');
		expect(app.state().dialog).toMatchObject({field: {text: 'acme:'}});
		await app.press('\u001b[D\u001b[Dx');
		expect(app.state().dialog).toMatchObject({field: {text: 'acmxe:'}});
	});

	test('each see what the ones before did: q and Enter leave', async () => {
		const app = await withTen();
		await app.press('q\r');
		expect(app.quits()).toBe(1);
	});

	test('go where the first of them led: a screen, a row, its question and the answer', async () => {
		const app = await withTen();
		await app.press('14', '2jY');
		await app.waitFor('The API key of acme:002 goes to the clipboard,');
		await app.press('njy');
		await app.waitFor('✓ Copied the profile id.');
		expect(app.copied).toEqual(['acme:003']);
	});

	test('are typed into the question that the first of them asked', async () => {
		const app = await withTen();
		await app.press('1', 'aname\r');
		await app.waitFor('✓ Added the agent name.');
		expect(await agentIds(app)).toEqual(['main', 'name']);
	});

	test('answer a question once, and then work in the list again', async () => {
		const app = await withTen();
		await app.press('Yyj');
		await app.waitFor('✓ Copied the API key.');
		expect(app.copied).toEqual([expect.stringMatching(/^canary-/)]);
		await app.waitFor(() => expect(app.cursorLine()).toContain('acme:002'));
	});

	test('delete nothing by chance: what was typed ahead is not the name', async () => {
		const app = await withTen();
		await app.press('Djjj\r');
		await app.waitFor('That is not 001. Nothing was removed.');
		expect(app.state().snapshot.agents[0]?.profiles).toHaveLength(10);
	});

	it('are keys also when there are sixteen of them', async () => {
		const app = await withTen();
		await app.press('1', 'aresearch-team-1\r');
		await app.waitFor('✓ Added the agent research-team-1.');
	});
});

describe('a paste', () => {
	test('into a field is inserted at the cursor, as one line', async () => {
		const app = await withTen();
		await app.press('1', 'a');
		await app.paste('night\nshift');
		await app.waitFor('> nightshift');
		await app.press(keys.home);
		await app.paste('my-');
		await app.press(keys.enter);
		await app.waitFor('✓ Added the agent my-nightshift.');
	});

	test('into a filter filters', async () => {
		const app = await withTen();
		await app.press('/');
		await app.paste('007\n');
		await app.waitFor(() => expect(app.frame()).not.toContain('acme:001'));
		await app.waitFor('acme:007');
		expect(app.state().filtering).toBe(true);
	});

	test('never confirms: a name with a line break that is pasted deletes nothing by itself', async () => {
		const app = await withTen();
		await app.press('D');
		await app.paste('001\r');
		await app.waitFor('> 001');
		expect(app.state().dialog).toBeDefined();
		expect(app.state().snapshot.agents[0]?.profiles).toHaveLength(10);
	});

	test('that the terminal did not mark goes into the field as a whole', async () => {
		const app = await withTen();
		await app.press('1', 'a', 'pasted-agent-name-of-many-letters\r');
		await app.waitFor('> pasted-agent-name-of-many-letters');
		expect(app.state().dialog).toBeDefined();
	});
});
