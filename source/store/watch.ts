import {type FSWatcher, readdirSync, statSync, watch} from 'node:fs';
import {basename, join} from 'node:path';
import {isProviderId, type StatePaths} from './paths.ts';
import {listAgentIds} from './profiles.ts';

/** How long (ms) to wait after a first event for those that belong to it: a rename alone makes four. */
const settleMs = 15;

/**
 * Tells when a file of the state folder may have changed, whoever changed it. Folders are watched, not
 * files: a watched file is lost at its first atomic replacement. Folders that come later are watched too.
 * @returns a function that ends it
 */
export function watchState(paths: StatePaths, onChange: () => void): () => void {
	const watchers = new Map<string, {readonly watcher: FSWatcher; readonly inode: number}>();
	let timer: NodeJS.Timeout | undefined;
	const log = basename(paths.auditLog);

	const changed = () => {
		timer ??= setTimeout(() => {
			timer = undefined;
			try {
				watchFolders();
			} catch {
				// What cannot be watched now is tried again at the next change; whoever looks is told why.
			}
			onChange();
		}, settleMs);
	};

	function watchFolders(): void {
		const agents = listAgentIds(paths);
		const folders = [paths.root, paths.plugins, paths.agents, ...pluginFolders(paths)];
		for (const id of agents) {
			folders.push(paths.agent(id), paths.agentCredentials(id), paths.sessionsFolder(id));
		}
		for (const [folder, {watcher}] of watchers) {
			if (folders.includes(folder)) continue;
			watcher.close();
			watchers.delete(folder);
		}
		for (const folder of folders) {
			const inode = statSync(folder, {throwIfNoEntry: false})?.ino ?? 0;
			const present = watchers.get(folder);
			if (present?.inode === inode) continue;
			// Another folder of the same name: a deleted agent that was added again.
			present?.watcher.close();
			watchers.delete(folder);
			try {
				const watcher = watch(folder, (_, name) => {
					// The audit log says what was done, and changes nothing of it.
					if (!name?.startsWith(log)) changed();
				});
				const forget = () => {
					watcher.close();
					if (watchers.get(folder)?.watcher === watcher) watchers.delete(folder);
				};
				watcher.on('error', forget);
				watchers.set(folder, {watcher, inode});
			} catch {
				// Not there yet: the watch of the folder above tells when it comes.
			}
		}
	}

	watchFolders();
	return () => {
		clearTimeout(timer);
		for (const {watcher} of watchers.values()) watcher.close();
	};
}

function pluginFolders({plugins}: StatePaths): string[] {
	try {
		return readdirSync(plugins, {withFileTypes: true})
			.filter(entry => entry.isDirectory() && isProviderId(entry.name))
			.map(({name}) => join(plugins, name));
	} catch {
		// Not there yet, or not readable: reading the manifests says which.
		return [];
	}
}
