import type {StatePaths} from '../../store/paths.ts';
import type {Provider} from '../providers/contract.ts';

/** What an attempt is made for. */
export interface AttemptOptions {
	readonly paths: StatePaths;
	readonly provider: Provider;
	readonly agentId: string;
	/** The profile that the login is for; chosen by account if absent. */
	readonly profileId?: string;
}

/** What a login has stored. */
export interface LoginResult {
	readonly profileId: string;
	readonly provider: string;
	readonly agentId: string;
	readonly accountId?: string;
	readonly email?: string;
	/** When the access token runs out (epoch ms). */
	readonly expires?: number;
}
