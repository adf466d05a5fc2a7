import {render} from 'ink';
import {App} from './app.tsx';
import {type JarvisOptions, openJarvis} from './core.ts';
import {openBrowser, surroundings} from './host/browser.ts';
import {copyText} from './host/clipboard.ts';
import {steadyScreen} from './host/screen.ts';
import {showPlain, stopProcess, type TerminalHandle} from './host/terminal.ts';
import type {Sandbox} from './sandbox/sandbox.ts';
import {optional} from './store/schema.ts';
import {ensurePrivateFolder} from './store/write.ts';
import type {UiContext} from './ui/context.ts';
import {startRuntime} from './ui/runtime.ts';
import {createUiStore} from './ui/state.ts';

/**
 * Shows the dashboard until the person leaves it, on the alternate screen; the terminal is as before
 * afterwards, however it ends.
 * @returns the exit code
 */
export async function openDashboard(
	request: {readonly demo: boolean; readonly stateDir?: string},
	options: JarvisOptions,
): Promise<number> {
	const ending = Promise.withResolvers<number>();
	const release = onDeath(ending);
	// From here on keys wait until they can be taken, instead of being written onto the screen.
	process.stdin.setRawMode(true);
	let sandbox: Sandbox | undefined;
	try {
		if (request.demo) sandbox = await (await import('./sandbox/sandbox.ts')).startSandbox();
		const stateDir = sandbox?.stateDir ?? request.stateDir;
		const all = {...options, ...sandbox?.options, ...(stateDir ? {stateDir} : {})};
		return await show(all, sandbox, ending);
	} finally {
		await sandbox?.close();
		process.stdin.setRawMode(false);
		process.stdin.pause();
		release();
	}
}

async function show(
	options: JarvisOptions,
	sandbox: Sandbox | undefined,
	ending: PromiseWithResolvers<number>,
): Promise<number> {
	const jarvis = openJarvis({by: 'dashboard', ...options});
	const {env} = jarvis;
	ensurePrivateFolder(jarvis.paths.root);
	const store = createUiStore({
		snapshot: await jarvis.snapshot(),
		providers: [],
		now: jarvis.now(),
		sandbox: sandbox !== undefined,
		...optional('home', env.HOME),
		...optional('stateDir', options.stateDir),
		surroundings: sandbox?.surroundings ?? surroundings(env, process.platform),
	});
	const runtime = startRuntime({store, jarvis});
	const terminal: TerminalHandle = {};
	const context: UiContext = {
		store,
		jarvis,
		host: {
			copy: text => copyText(text, env, sequence => process.stdout.write(sequence)),
			openBrowser: options.openBrowser ?? (url => openBrowser(url, env)),
			showPlain: text => showPlain(terminal, text),
			stop: () => stopProcess(terminal),
			quit: () => ending.resolve(0),
			reload: runtime.reload,
		},
	};
	const instance = render(<App context={context} terminal={terminal} />, {
		stdout: steadyScreen(process.stdout),
		alternateScreen: true,
		incrementalRendering: true,
		exitOnCtrlC: false,
		maxFps: 60,
		// There is a terminal, whatever CI says: that was looked at before.
		interactive: true,
	});
	instance.waitUntilExit().then(() => ending.resolve(0), ending.reject);
	runtime.reload().catch(ending.reject);
	try {
		return await ending.promise;
	} finally {
		const {login} = store.getState();
		if (login.stage === 'running') login.login.cancel();
		runtime.stop();
		instance.unmount();
		await instance.waitUntilExit().catch(() => {});
	}
}

const signals = {SIGINT: 130, SIGTERM: 143, SIGHUP: 129} as const;

/**
 * Ends the dashboard in order when the process is told to die, or a fault comes up that nobody caught: the
 * terminal is restored first, so that what is said afterwards is seen.
 */
function onDeath(ending: PromiseWithResolvers<number>): () => void {
	const entries = Object.entries(signals).map(
		([signal, code]) => [signal, () => ending.resolve(code)] as const,
	);
	for (const [signal, listener] of entries) process.on(signal, listener);
	process.on('uncaughtException', ending.reject);
	process.on('unhandledRejection', ending.reject);
	return () => {
		for (const [signal, listener] of entries) process.removeListener(signal, listener);
		process.removeListener('uncaughtException', ending.reject);
		process.removeListener('unhandledRejection', ending.reject);
	};
}
