import type {Jarvis} from '../core.ts';
import type {Watch, WatchLook, WatchOptions} from '../watch/watcher.ts';

/**
 * Watching for what needs a person.
 * @param open opens the state folder once more, for the watch alone
 */
export function watchOf(open: () => Jarvis) {
	return {
		/** Looks once, and tells what needs a person now. */
		async lookOnce(options: WatchOptions): Promise<WatchLook> {
			const {lookOnce} = await import('../watch/watcher.ts');
			return lookOnce(open(), options);
		},

		/** Tells what needs a person, and every change of it, until it is stopped. Throws as `startWatch` does. */
		async startWatch(options: WatchOptions, onLook: (look: WatchLook) => void): Promise<Watch> {
			const {startWatch} = await import('../watch/watcher.ts');
			return startWatch(open(), options, onLook);
		},
	};
}
