import type {Manifest} from '../../store/manifests.ts';
import type {Provider} from './contract.ts';

/** The provider that a manifest declares (docs/plugins.md): its data, as it is. */
export function declared({$schema: _, ...manifest}: Manifest): Provider {
	return {...manifest, origin: 'plugin'};
}
