import {auditOf} from './core/audit.ts';
import {brokerOf} from './core/broker.ts';
import {credentialsOf} from './core/credentials.ts';
import {loginsOf} from './core/logins.ts';
import {modelsOf} from './core/models.ts';
import {profilesOf} from './core/profiles.ts';
import {programsOf} from './core/programs.ts';
import {routesOf} from './core/routes.ts';
import {secretsOf} from './core/secrets.ts';
import {stateOf} from './core/state.ts';
import {watchOf} from './core/watch.ts';
import {type JarvisOptions, openWorld} from './core/world.ts';

export type {UsedProfile} from './core/credentials.ts';
export type {LoginRequest} from './core/logins.ts';
export type {WriteBackRequest} from './core/programs.ts';
export type {JarvisOptions, ProviderListing} from './core/world.ts';

/** The one object that the dashboard and the commands are both made over. */
export interface Jarvis
	extends ReturnType<typeof stateOf>,
		ReturnType<typeof credentialsOf>,
		ReturnType<typeof secretsOf>,
		ReturnType<typeof loginsOf>,
		ReturnType<typeof modelsOf>,
		ReturnType<typeof profilesOf>,
		ReturnType<typeof programsOf>,
		ReturnType<typeof auditOf>,
		ReturnType<typeof watchOf>,
		ReturnType<typeof routesOf>,
		ReturnType<typeof brokerOf> {}

/**
 * Opens a state folder. Nothing is read before it is asked for, and what is not needed is not loaded:
 * handing out a good token costs reading two files.
 */
export function openJarvis(options: JarvisOptions = {}): Jarvis {
	const world = openWorld(options);
	return {
		...stateOf(world),
		...credentialsOf(world),
		...secretsOf(world),
		...loginsOf(world),
		...modelsOf(world),
		...profilesOf(world),
		...programsOf(world),
		...auditOf(world),
		...watchOf(() => openJarvis(options)),
		...routesOf(world),
		...brokerOf(world, () => openJarvis(options)),
	};
}
