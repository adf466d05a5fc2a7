import {mkdtempSync, readdirSync, rmSync} from 'node:fs';
import {createServer} from 'node:net';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {codexLogin} from '../auth/providers/openai-codex.ts';
import type {JarvisOptions} from '../core.ts';
import {openBrowser, type Surroundings, surroundings} from '../host/browser.ts';
import {livenessOf, ownIdentity} from '../store/process-identity.ts';
import {startAuthorizationServer} from './authorization-server.ts';
import {placesElsewhere, sandboxHome} from './home.ts';
import {visit} from './scripted-browser.ts';
import {seedStateFolder} from './seed.ts';

/** How long (s) the sandbox's access tokens are good for: short enough to watch one run out. */
const accessTokenSeconds = 60;

const prefix = 'jarvis-sandbox-';

export interface Sandbox {
	readonly stateDir: string;
	readonly options: Pick<JarvisOptions, 'env' | 'openBrowser'>;
	readonly surroundings: Surroundings;
	/** Stops the server and removes the state folder. */
	close(): Promise<void>;
}

/**
 * A state folder of its own with agents and profiles in every state, and a real authorization server on
 * loopback that they are logged in at. No real account and no other machine is touched.
 */
export async function startSandbox(): Promise<Sandbox> {
	removeAbandoned();
	const stateDir = mkdtempSync(join(tmpdir(), `${prefix}${process.pid}-`));
	const remove = () => rmSync(stateDir, {recursive: true, force: true});
	try {
		const [first, second] = await freePorts(2);
		const redirectUris = [first, second].map(port => `http://127.0.0.1:${port}/callback`);
		const server = await startAuthorizationServer({
			consent: 'ask',
			accessTokenSeconds,
			// Nobody waits long to see that a code was typed.
			pollSeconds: 1,
			redirectUris: [...redirectUris, ...codexLogin.redirectUris],
		});
		await seedStateFolder(stateDir, server, redirectUris);
		const around = surroundings(process.env, process.platform);
		return {
			stateDir,
			surroundings: around.browser
				? around
				: {...around, browser: false, whyNot: `${around.whyNot}; b lets the sandbox approve in your place`},
			options: {
				env: {
					...process.env,
					...placesElsewhere,
					HOME: sandboxHome(stateDir),
					JARVIS_STATE_DIR: stateDir,
				},
				openBrowser: url =>
					around.browser
						? openBrowser(url, process.env)
						: visit(url, {choose: 'maya@example.test'}).then(() => {}),
			},
			async close() {
				await server.close();
				remove();
				// A refresh that was under way may have made a folder of it anew.
				process.once('exit', remove);
			},
		};
	} catch (error) {
		remove();
		throw error;
	}
}

// A sandbox that was killed could not remove what it had made.
function removeAbandoned(): void {
	const {realm} = ownIdentity();
	for (const name of readdirSync(tmpdir())) {
		const pid = name.startsWith(prefix) ? Number.parseInt(name.slice(prefix.length), 10) : 0;
		if (pid > 0 && livenessOf({pid, realm}) === 'dead')
			rmSync(join(tmpdir(), name), {recursive: true, force: true});
	}
}

// Redirect URIs are registered with the server before anybody listens on them, so free ports are looked up.
async function freePorts(count: number): Promise<number[]> {
	const servers = await Promise.all(
		Array.from({length: count}, async () => {
			const server = createServer();
			await new Promise<void>((resolve, reject) => {
				server.once('error', reject);
				server.listen(0, '127.0.0.1', resolve);
			});
			return server;
		}),
	);
	return Promise.all(
		servers.map(async server => {
			const address = server.address();
			await new Promise(resolve => server.close(resolve));
			return typeof address === 'object' && address ? address.port : 0;
		}),
	);
}
