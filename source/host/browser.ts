/** What is told of the machine by its environment, as far as a login is concerned. */
export interface Surroundings {
	/** A browser of the person can be opened from here. */
	readonly browser: boolean;
	/** Why not, in words for a person. */
	readonly whyNot?: string;
	/** The command that brings the callback's port here, when the person is on another machine. */
	readonly forward?: (port: string) => string;
}

/** Looks whether a browser can be opened: not over SSH, and on Linux only with a display. */
export function surroundings(env: NodeJS.ProcessEnv, platform: NodeJS.Platform): Surroundings {
	const forward = sshForward(env);
	if (env.BROWSER) return {browser: true, ...forward};
	if (env.SSH_CONNECTION || env.SSH_TTY)
		return {browser: false, whyNot: 'this is an SSH session', ...forward};
	const display = env.DISPLAY || env.WAYLAND_DISPLAY || env.WSL_DISTRO_NAME;
	if (platform === 'linux' && !display) return {browser: false, whyNot: 'there is no display here'};
	return {browser: true};
}

/**
 * Opens a URL in the person's browser, or in the one that `$BROWSER` names. Rejects when no opener
 * starts; that one starts does not prove that a page shows.
 */
export async function openBrowser(url: string, env: NodeJS.ProcessEnv): Promise<void> {
	const {default: open} = await import('open');
	const child = await open(url, env.BROWSER ? {app: {name: env.BROWSER}} : {});
	child.on('error', () => {});
}

function sshForward(env: NodeJS.ProcessEnv): Pick<Surroundings, 'forward'> {
	const here = env.SSH_CONNECTION?.split(' ')[2];
	if (!here) return {};
	const user = env.USER ?? env.LOGNAME;
	return {forward: port => `ssh -N -L ${port}:127.0.0.1:${port} ${user ? `${user}@` : ''}${here}`};
}
