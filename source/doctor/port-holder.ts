import {execFile} from 'node:child_process';
import {once} from 'node:events';
import {readdirSync, readFileSync, readlinkSync} from 'node:fs';
import {createServer} from 'node:net';
import {promisify} from 'node:util';
import {isSystemError} from '../errors.ts';

/** How long (ms) a program that tells of ports may take. */
const timeoutMs = 3000;

/** Who holds a port, as far as that can be seen from here. */
export interface PortHolder {
	readonly pid?: number;
	readonly command?: string;
}

/** Who holds a port of this machine, `undefined` when it is free. */
export async function holderOfPort(port: number, env: NodeJS.ProcessEnv): Promise<PortHolder | undefined> {
	if (await isFree(port)) return undefined;
	return holderFromProc(port) ?? (await holderFromLsof(port, env)) ?? {};
}

// By listening on it: a connection would be an event for whoever does.
async function isFree(port: number): Promise<boolean> {
	const server = createServer();
	try {
		server.listen({port, host: '127.0.0.1', exclusive: true});
		await once(server, 'listening');
		return true;
	} catch (error) {
		// What else is wrong is not that somebody has it.
		return !isSystemError(error, 'EADDRINUSE');
	} finally {
		server.close();
	}
}

/** The holder by the kernel's own lists, which name the sockets of each process of this user (proc(5)). */
function holderFromProc(port: number): PortHolder | undefined {
	const inodes = ['tcp', 'tcp6'].flatMap(name => listeningInodes(`/proc/net/${name}`, port));
	if (inodes.length === 0) return undefined;
	const sockets = new Set(inodes.map(inode => `socket:[${inode}]`));
	for (const name of entries('/proc')) {
		if (!/^\d+$/.test(name)) continue;
		const holds = entries(`/proc/${name}/fd`).some(fd => sockets.has(link(`/proc/${name}/fd/${fd}`)));
		if (holds) return {pid: Number(name), command: text(`/proc/${name}/comm`).trim()};
	}
	return undefined;
}

function listeningInodes(file: string, port: number): string[] {
	const wanted = port.toString(16).toUpperCase().padStart(4, '0');
	return text(file)
		.split('\n')
		.slice(1)
		.flatMap(line => {
			const [, local = '', , state, , , , , , inode = ''] = line.trim().split(/\s+/);
			return state === '0A' && local.endsWith(`:${wanted}`) ? [inode] : [];
		});
}

async function holderFromLsof(port: number, env: NodeJS.ProcessEnv): Promise<PortHolder | undefined> {
	try {
		const args = ['-nP', `-iTCP:${port}`, '-sTCP:LISTEN', '-Fpc'];
		const {stdout} = await promisify(execFile)('lsof', args, {env, timeout: timeoutMs});
		const [, pid] = /^p(\d+)$/m.exec(stdout) ?? [];
		const [, command] = /^c(.+)$/m.exec(stdout) ?? [];
		return pid === undefined ? undefined : {pid: Number(pid), ...(command ? {command} : {})};
	} catch {
		return undefined;
	}
}

function entries(folder: string): string[] {
	try {
		return readdirSync(folder);
	} catch {
		return [];
	}
}

function link(path: string): string {
	try {
		return readlinkSync(path);
	} catch {
		return '';
	}
}

function text(file: string): string {
	try {
		return readFileSync(file, 'utf8');
	} catch {
		return '';
	}
}
