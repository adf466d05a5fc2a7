import type {ChildProcess} from 'node:child_process';

/** Kills a program with all that it has started; it must have a process group of its own (`detached`). */
export function killGroup(child: Pick<ChildProcess, 'pid' | 'kill'>): void {
	if (child.pid === undefined) return;
	try {
		if (process.platform === 'win32') child.kill('SIGKILL');
		else process.kill(-child.pid, 'SIGKILL');
	} catch {
		// It has ended by itself.
	}
}
