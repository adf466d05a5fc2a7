import {existsSync, writeFileSync} from 'node:fs';
import {describe, expect, test} from 'vitest';
import {openJarvis} from '../../source/core.ts';
import {statePaths} from '../../source/store/paths.ts';
import {temporaryFolder} from '../support/sandbox.ts';
import {keys, type RenderedApp, renderApp} from './render-app.tsx';
import {apiKey, fill} from './state.ts';

const agentsOnDisk = async ({stateDir}: Pick<RenderedApp, 'stateDir'>) => {
	const {agents} = await openJarvis({stateDir, env: {}}).snapshot();
	return agents.map(({id, isDefault}) => (isDefault ? `*${id}` : id));
};

async function withAgents(...ids: readonly string[]): Promise<RenderedApp> {
	const stateDir = temporaryFolder();
	const jarvis = openJarvis({stateDir, env: {}});
	for (const id of ids) await jarvis.addAgent({id});
	const app = await renderApp({stateDir});
	await app.press('1');
	await app.waitFor('WORST STATE');
	return app;
}

describe('adding an agent', () => {
	test('takes a name, and puts the cursor on the new one', async () => {
		const app = await withAgents('alpha');
		await app.press('a');
		await app.waitFor('Add an agent');
		await app.type('zeta');
		await app.press(keys.enter);
		await app.waitFor('✓ Added the agent zeta. Press l to log an account in for it.');
		await app.waitFor(() => expect(app.cursorLine()).toContain('zeta'));
		expect(await agentsOnDisk(app)).toEqual(['*main', 'alpha', 'zeta']);
	});

	test.each([
		['Bad Name', 'Use lower-case letters, digits, "-" and "_".'],
		['', 'Use lower-case letters, digits, "-" and "_".'],
		['../up', 'Use lower-case letters, digits, "-" and "_".'],
		['alpha', 'There is an agent of that id already.'],
		['main', 'There is an agent of that id already.'],
	])('says what is wrong with %j, and adds nothing', async (typed, fault) => {
		const app = await withAgents('alpha');
		await app.press('a');
		await app.type(typed);
		await app.press(keys.enter);
		await app.waitFor(fault);
		expect(await agentsOnDisk(app)).toEqual(['*main', 'alpha']);
		await app.type('x');
		await app.waitFor(() => expect(app.frame()).not.toContain(fault));
	});

	test('that is left with Esc adds nothing', async () => {
		const app = await withAgents();
		await app.press('a');
		await app.type('zeta');
		await app.press(keys.esc);
		await app.waitFor(() => expect(app.frame()).not.toContain('Add an agent'));
		expect(await agentsOnDisk(app)).toEqual(['*main']);
	});
});

describe('the default agent', () => {
	test('is another one after d', async () => {
		const app = await withAgents('alpha');
		await app.press('j', 'd');
		await app.waitFor('✓ alpha is the default agent now.');
		await app.waitFor(() => expect(app.cursorLine()).toContain('★'));
		expect(await agentsOnDisk(app)).toEqual(['main', '*alpha']);
	});

	test('is told when it is chosen again', async () => {
		const app = await withAgents('alpha');
		await app.press('d');
		await app.waitFor('! main is the default agent already.');
	});
});

describe('deleting an agent', () => {
	test('asks for its name, and deletes it with its folder', async () => {
		const app = await withAgents('alpha', 'beta');
		await fill(app.stateDir, 'beta', {profiles: {'acme:a': apiKey('acme')}});
		await app.waitFor(/beta +1/);
		await app.press('j', 'j', 'D');
		await app.waitFor('Its folder goes, with 1 profile and its sessions.');
		await app.type('beta');
		await app.press(keys.enter);
		await app.waitFor('✓ Deleted the agent beta.');
		expect(await agentsOnDisk(app)).toEqual(['*main', 'alpha']);
		expect(existsSync(statePaths(app.stateDir).agent('beta'))).toBe(false);
	});

	test.each(['bet', 'Beta', 'beta ', '', 'alpha'])(
		'does nothing when %j is typed, and says so',
		async typed => {
			const app = await withAgents('alpha', 'beta');
			await app.press('G', 'D');
			await app.type(typed);
			await app.press(keys.enter);
			await app.waitFor('That is not beta. Nothing was deleted.');
			expect(await agentsOnDisk(app)).toEqual(['*main', 'alpha', 'beta']);
			expect(app.state().dialog).toBeDefined();
		},
	);

	test('deletes the one that was asked about, also when rows moved meanwhile', async () => {
		const app = await withAgents('aaa', 'beta', 'delta');
		const elsewhere = openJarvis({stateDir: app.stateDir, env: {}});
		await app.press('j');
		await elsewhere.deleteAgent('aaa');
		await app.waitFor(() => expect(app.cursorLine()).toContain('beta'));
		await app.press('D');
		await app.waitFor('Delete the agent beta');
		await elsewhere.addAgent({id: 'alpha'});
		await app.waitFor('alpha');
		await app.type('beta');
		await app.press(keys.enter);
		await app.waitFor('✓ Deleted the agent beta.');
		expect(await agentsOnDisk(app)).toEqual(['*main', 'alpha', 'delta']);
	});

	test('that became the default one meanwhile is refused', async () => {
		const app = await withAgents('beta');
		await app.press('j', 'D');
		await app.type('beta');
		await openJarvis({stateDir: app.stateDir, env: {}}).setDefaultAgent('beta');
		await app.press(keys.enter);
		await app.waitFor('✗ beta cannot be deleted: it is the default agent.');
		expect(await agentsOnDisk(app)).toEqual(['main', '*beta']);
	});

	test('is not offered for the main and the default agent', async () => {
		const app = await withAgents('beta');
		await app.press('D');
		await app.waitFor('! The main agent stays.');
		await app.press('j', 'd');
		await app.waitFor('✓ beta is the default agent now.');
		await app.press('D');
		await app.waitFor('! Make another agent the default first.');
		expect(app.state().dialog).toBeUndefined();
	});
});

test('Enter shows the profiles of the agent, and l logs in for it', async () => {
	const app = await withAgents('alpha');
	await app.press('j', keys.enter);
	await app.waitFor('Profiles of alpha');
	await app.press('1', 'k', 'l');
	await app.waitFor('Log an account in for the agent main');
});

test('an agent whose file cannot be read is shown as such, and the others as ever', async () => {
	const app = await withAgents('alpha');
	await fill(app.stateDir, 'alpha', {profiles: {'acme:a': apiKey('acme')}});
	writeFileSync(statePaths(app.stateDir).profiles('alpha'), '{');
	await app.waitFor(/alpha +\? +✗ file unreadable/);
	await app.press('j', keys.enter);
	await app.waitFor(/✗ .*auth-profiles\.json/);
});
