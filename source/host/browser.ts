import {existsSync} from 'node:fs';

/** What is told of the machine by its environment, as far as a login is concerned. */
export interface Surroundings {
	/** A browser of the person can be opened from here. */
	readonly browser: boolean;
	/** Why not, in words for a person. */
	readonly whyNot?: string;
	/** What a person should know of the browser that opens. */
	readonly note?: string;
	/** The command that brings the callback's port here, when the person is on another machine. */
	readonly forward?: (port: string) => string;
	/** How a container is started, so that the callback's port is reached from outside of it. */
	readonly publish?: (port: string) => string;
}

/** What shows that this is a container: Docker's mark, and Podman's. */
const containerMarks = ['/.dockerenv', '/run/.containerenv'];

/**
 * Looks whether a browser can be opened: not over SSH or in a codespace, and on Linux only with a display; but
 * wherever `$BROWSER` names one, or VS Code is at the other end. And how the browser comes back from elsewhere.
 * @param isThere whether there is a file of that path
 */
export function surroundings(
	env: NodeJS.ProcessEnv,
	platform: NodeJS.Platform,
	isThere: (path: string) => boolean = existsSync,
): Surroundings {
	const way = wayBack(env, isThere);
	if (env.BROWSER) return {browser: true, ...way};
	if (env.VSCODE_IPC_HOOK_CLI)
		return {browser: true, note: 'VS Code opens the link, and forwards the port by itself.', ...way};
	if (isCodespace(env)) return {browser: false, whyNot: 'this is a codespace', ...way};
	if (env.SSH_CONNECTION || env.SSH_TTY) return {browser: false, whyNot: 'this is an SSH session', ...way};
	if (platform !== 'linux') return {browser: true, ...way};
	if (env.WSL_DISTRO_NAME) {
		const note = 'The link opens in Windows; where it does not, install wslu and set BROWSER=wslview.';
		return {browser: true, note, ...way};
	}
	if (env.DISPLAY || env.WAYLAND_DISPLAY) return {browser: true, ...way};
	return {browser: false, whyNot: 'there is no display here', ...way};
}

/**
 * Opens a URL in the person's browser, or in the one that `$BROWSER` names. Rejects when no opener
 * starts; that one starts does not prove that a page shows.
 */
export async function openBrowser(url: string, env: NodeJS.ProcessEnv): Promise<void> {
	const {default: open} = await import('open');
	const child = await open(url, openerOf(env));
	child.on('error', () => {});
}

function openerOf(env: NodeJS.ProcessEnv): import('open').Options {
	if (env.BROWSER) return {app: {name: env.BROWSER}};
	// VS Code's own command of a remote terminal hands it to the window at the other end.
	if (env.VSCODE_IPC_HOOK_CLI) return {app: {name: 'code', arguments: ['--openExternal']}};
	return {};
}

function wayBack(
	env: NodeJS.ProcessEnv,
	isThere: (path: string) => boolean,
): Pick<Surroundings, 'forward' | 'publish'> {
	if (isCodespace(env)) {
		const name = env.CODESPACE_NAME ? ` -c ${env.CODESPACE_NAME}` : '';
		return {forward: port => `gh codespace ports forward ${port}:${port}${name}`};
	}
	const [, , here, sshPort = '22'] = env.SSH_CONNECTION?.split(' ') ?? [];
	if (here) {
		const user = env.USER ?? env.LOGNAME;
		const other = sshPort === '22' ? '' : ` -p ${sshPort}`;
		return {
			forward: port => `ssh -N -L ${port}:127.0.0.1:${port}${other} ${user ? `${user}@` : ''}${here}`,
		};
	}
	if (env.container || containerMarks.some(isThere)) {
		return {publish: port => `-p 127.0.0.1:${port}:${port}`};
	}
	return {};
}

function isCodespace(env: NodeJS.ProcessEnv): boolean {
	return env.CODESPACES === 'true' && Boolean(env.GITHUB_CODESPACES_PORT_FORWARDING_DOMAIN);
}
