"""What each family minimises: named terms, averaged over a batch, and their weights.

Every term is a scalar per batch, so that batch statistics (VICReg, mean activations) and sums over events are alike.

Events may have weights w, of mean 1 over the sample. A mean over events is then sum(w x loss) / events: its expectation over batches,
and that of its gradient, is that of the whole sample, which the ratio sum(w x loss) / sum(w) of a batch would miss where weight and
loss are correlated, as in strata. A statistic of the batch that must not depend on the scale of the weights (a mean activation, a
covariance) divides by sum(w).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import keras
import tensorflow as tf

from l1ae.config import Config
from l1ae.errors import UserError
from l1ae.families import LOSSES, Body, Loss
from l1ae.models import Networks, TableDense, code_step, effective_bit_operations, event_weights, table_luts
from l1ae.training._checkpoint import Phase

__all__ = ["Batch", "Objective", "objective_for"]


LARGEST_LOG_VAR = 10.0
"""Of a latent node: a network that has not learned yet answers the hardest crossings with more, and their exponential overflows."""


@dataclass(frozen=True)
class Batch:
    """One batch, each (N, size): what goes in, what should come out, which inputs errors count, a second noisy view.

    `inputs` and `second` differ from `clean` where noise is configured. `weights` (N,) are None where all events count the same,
    `target` (N,) where no other run is a teacher.
    """

    inputs: Any
    second: Any
    clean: Any
    counted: Any
    weights: Any = None
    target: Any = None


class Objective:
    """Terms of the loss of an autoencoder or variational autoencoder, with the regularisers that are switched on.

    Sources: squared error over present inputs, arXiv:2108.03986; KL divergence with beta, arXiv:1312.6114 and
    arXiv:1606.05579 (here (1 - beta) x error + beta x KL); sparse codes, Olshausen and Field, Nature 381 (1996) 607, and
    Nair and Hinton, NeurIPS 2009, section 3 (KL to a target activation); contractive, Rifai et al., ICML 2011, equation 7;
    resources of learned widths, arXiv:2405.00645, section III.
    """

    def __init__(self, config: Config, networks: Networks, phase: Phase) -> None:
        self._config = config
        self._networks = networks
        self._phase = phase
        self._terms = self._with_losses(self._main_terms() | self._regularisers())

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the terms, in the order of `__call__`'s values."""
        return tuple(self._terms)

    @property
    def trainable_variables(self) -> list[Any]:
        """What the optimizer changes."""
        return self._networks.trainable_variables

    def weights(self, epoch: int | None) -> list[float]:
        """Weight of each term in an epoch of the phase; None: after any warm-up, as the validation loss has them."""
        return [weight(epoch) for weight, _ in self._terms.values()]

    def __call__(self, batch: Batch, seed: Any, *, training: bool) -> Any:
        """Values of all terms, (terms,)."""
        with event_weights(batch.weights):
            outputs = self._forward(batch, seed, training=training)
        return tf.stack([term(batch, outputs) for _, term in self._terms.values()])

    # -- what families change ---------------------------------------------------------------------------------------

    def _main_terms(self) -> dict[str, Any]:
        if not self._config.model.family.variational:
            return {"reconstruction": (_constant(1.0), _reconstruction)}
        return {
            "reconstruction": (lambda epoch: 1.0 - self._beta(epoch), _reconstruction),
            "kl": (self._beta, lambda batch, outputs: mean(_kl(*outputs["latent"]), batch.weights)),
        }

    def _forward(self, batch: Batch, seed: Any, *, training: bool) -> dict[str, Any]:
        """Tensors that the terms are made of."""
        outputs = self._networks.firmware(batch.inputs, training=training)
        if not self._config.model.family.variational:
            return {"reconstruction": outputs}
        mu, log_var = outputs
        noise = tf.random.stateless_normal(tf.shape(mu), seed)
        decoder = self._networks.auxiliary["decoder"]
        return {
            "latent": outputs,
            "reconstruction": decoder(mu + tf.exp(0.5 * tf.minimum(log_var, LARGEST_LOG_VAR)) * noise, training=training),
        }

    # -- shared -----------------------------------------------------------------------------------------------------

    def _beta(self, epoch: int | None) -> float:
        training = self._config.training
        if epoch is None or self._phase != "float" or training.kl_warmup == 0:
            return training.beta
        return training.beta * min(1.0, (epoch - 1) / training.kl_warmup)

    def _regularisers(self) -> dict[str, Any]:
        training, sparsity = self._config.training, self._config.training.sparsity
        learned = training.learned_widths if self._phase == "quantized" else None
        penalties: dict[str, tuple[float, Any]] = {
            "l1": (sparsity.l1, lambda batch, _: _magnitude(self._code(batch), batch.weights)),
            "sparsity": (
                sparsity.kl_weight,
                lambda batch, _: activation_divergence(self._code(batch), sparsity.kl_target, batch.weights),
            ),
            "contractive": (training.contractive, lambda batch, _: self._jacobian_norm(batch)),
            "weight_decay": (training.weight_decay, lambda batch, _: self._kernels_squared()),
            "resources": (
                learned.resource_weight if learned else 0.0,
                lambda batch, _: self._resources(),
            ),
        }
        wanted = {name for name, (weight, _) in penalties.items() if weight > 0} | ({"resources"} if learned else set())
        return {name: (_constant(weight), term) for name, (weight, term) in penalties.items() if name in wanted}

    def _with_losses(self, terms: dict[str, Any]) -> dict[str, Any]:
        """The terms with those of other distributions."""
        found = {name: (LOSSES[name], weight) for name, weight in self._config.training.losses.items()}
        for name, (loss, weight) in found.items():
            _check_loss(loss, self._config, terms)
            terms[name] = _constant(weight), _checked_term(loss)
        return {name: term for name, term in terms.items() if name not in {loss.replaces for loss, _ in found.values()}}

    def _resources(self) -> Any:
        cost = table_luts if self._config.model.family.of_tables else effective_bit_operations
        return cost(self._config, self._networks.firmware)

    def _jacobian_norm(self, batch: Batch) -> Any:
        return jacobian_norm(self._encode, self._code_inputs(batch), self._config.model.latent, batch.weights)

    def _code(self, batch: Batch) -> Any:
        return self._encode(self._code_inputs(batch))

    def _encode(self, inputs: Any) -> Any:
        """The code, (N, latent), of the network as it is used after training (moving averages in BatchNormalization)."""
        return self._code_model(inputs, training=False)

    def _code_inputs(self, batch: Batch) -> Any:
        """What the code is a function of, in the eyes of the penalties on it: the event."""
        return batch.inputs

    @property
    def _code_source(self) -> Any:
        """The tensor of the graph that `_code_inputs` gives values to."""
        return self._networks.firmware.input

    @cached_property
    def _code_model(self) -> keras.Model:
        firmware, name = self._networks.firmware, code_step(self._config)
        names = {layer.name for layer in firmware.layers}
        last = next(candidate for candidate in (f"{name}_relu", f"{name}_q", name) if candidate in names)
        return keras.Model(self._code_source, firmware.get_layer(last).output)

    def _kernels_squared(self) -> Any:
        """Of tables, the deviations from a straight line."""
        layers = self._networks.firmware.layers
        kernels = [layer.kernel for layer in layers if hasattr(layer, "kernel")]
        kernels += [layer.table for layer in layers if isinstance(layer, TableDense)]
        return tf.add_n([tf.reduce_sum(tf.square(tf.convert_to_tensor(kernel))) for kernel in kernels])


class _LatentObjective(Objective):
    """A feature extractor trained by VICReg on two views of each event, and an autoencoder on its features.

    VICReg: arXiv:2105.04906, equations 1 to 6. The autoencoder sees the features of the undisturbed event and does not
    change the extractor: no gradient passes from its error, nor from penalties on its code, to the features, which could
    otherwise collapse.
    """

    def __init__(self, config: Config, networks: Networks, phase: Phase) -> None:
        features, reconstruction = networks.firmware.outputs
        self._extractor = keras.Model(networks.firmware.input, features)
        self._tail = keras.Model(features, reconstruction)
        super().__init__(config, networks, phase)

    def _main_terms(self) -> dict[str, Any]:
        weights = self._config.training.vicreg
        return {
            "reconstruction": (_constant(1.0), lambda batch, outputs: mean(outputs["error"], batch.weights)),
            "invariance": (
                _constant(weights.invariance),
                lambda batch, outputs: vicreg_invariance(outputs["a"], outputs["b"], batch.weights),
            ),
            "variance": (_constant(weights.variance), _of_both_views(vicreg_variance)),
            "covariance": (_constant(weights.covariance), _of_both_views(vicreg_covariance)),
        }

    def _code_inputs(self, batch: Batch) -> Any:
        return tf.stop_gradient(self._extractor(batch.clean, training=False))

    @property
    def _code_source(self) -> Any:
        return self._networks.firmware.outputs[0]

    def _forward(self, batch: Batch, seed: Any, *, training: bool) -> dict[str, Any]:
        expander = self._networks.auxiliary["expander"]
        first, second = (expander(self._extractor(view, training=training), training=training) for view in (batch.inputs, batch.second))
        features = self._code_inputs(batch)
        difference = features - self._tail(features, training=training)
        return {"a": first, "b": second, "error": tf.reduce_sum(tf.square(difference), axis=1)}


class _StudentObjective(Objective):
    """A student that predicts ln(1 + reconstruction error) of a float teacher autoencoder (CMS CICADA, CMS-DP-2023/086).

    Both learn at the same time in the float phase, the student without influence on the teacher; in the quantized phase
    the teacher stays as it is. With other runs as teachers, what they say of each event comes with the event.
    """

    @property
    def trainable_variables(self) -> list[Any]:
        if self._phase == "float":
            return self._networks.trainable_variables
        return list(self._networks.firmware.trainable_variables)

    def _main_terms(self) -> dict[str, Any]:
        terms: dict[str, Any] = {
            "distillation": (
                _constant(1.0),
                lambda batch, outputs: mean(tf.square(outputs["student"] - outputs["target"]), batch.weights),
            )
        }
        if not self._config.model.teacher_run:
            teacher = 1.0 if self._phase == "float" else 0.0
            terms["teacher"] = (_constant(teacher), lambda batch, outputs: mean(outputs["target_error"], batch.weights))
        return terms

    def _forward(self, batch: Batch, seed: Any, *, training: bool) -> dict[str, Any]:
        student = self._networks.firmware(batch.inputs, training=training)[:, 0]
        if self._config.model.teacher_run:
            return {"student": student, "target": batch.target}
        teacher = self._networks.auxiliary["teacher"]
        reconstruction = teacher(batch.clean, training=training and self._phase == "float")
        error = _squared_error(batch, reconstruction)
        return {"student": student, "target": tf.stop_gradient(tf.math.log1p(error)), "target_error": tf.math.log1p(error)}


def _check_loss(loss: Loss, config: Config, terms: Mapping[str, Any]) -> None:
    """Raises `UserError` where a loss means nothing in this architecture."""
    body, where = config.model.family.body, f"training.losses.{loss.name}"
    if body not in loss.bodies:
        known = ", ".join(sorted(loss.bodies))
        raise UserError(f"{where} is for {known}, and architecture '{config.model.architecture}' is {body}; remove it")
    if loss.replaces and loss.replaces not in terms:
        raise UserError(f"{where} stands in place of '{loss.replaces}', which this training does not have ({', '.join(terms)}); remove it")


def _checked_term(loss: Loss) -> Callable[[Batch, dict[str, Any]], Any]:
    """The term as a number in float32; a `UserError` for what is none is raised when the graph is traced."""

    def term(batch: Batch, outputs: dict[str, Any]) -> Any:
        value = tf.cast(tf.convert_to_tensor(loss.term(batch, outputs)), tf.float32)
        if value.shape.rank != 0:
            raise UserError(f"training.losses.{loss.name} gives a tensor of shape {value.shape}; it must be one number per batch")
        return value

    return term


def objective_for(config: Config, networks: Networks, phase: Phase) -> Objective:
    """The objective of the configured family."""
    body = config.model.family.body
    assert body is not None, "an imported network is not trained"
    return _OBJECTIVES[body](config, networks, phase)


_OBJECTIVES: dict[Body, type[Objective]] = {
    Body.AUTOENCODER: Objective,
    Body.VARIATIONAL: Objective,
    Body.FEATURES: _LatentObjective,
    Body.STUDENT: _StudentObjective,
}


def _constant(value: float) -> Callable[[int | None], float]:
    return lambda epoch: value


def mean(values: Any, weights: Any) -> Any:
    """Mean over a batch of a number per event (N,); with `weights` (N,), of mean 1 over the sample, that of weight x number."""
    return tf.reduce_mean(values if weights is None else weights * values)


def _squared_error(batch: Batch, reconstruction: Any) -> Any:
    """Per event, (N,): over the inputs that count, against the undisturbed event."""
    return tf.reduce_sum(tf.square(tf.where(batch.counted, batch.clean - reconstruction, 0.0)), axis=1)


def _reconstruction(batch: Batch, outputs: dict[str, Any]) -> Any:
    return mean(_squared_error(batch, outputs["reconstruction"]), batch.weights)


def _kl(mu: Any, log_var: Any) -> Any:
    """Per event, (N,). Above `LARGEST_LOG_VAR` the exponential goes on as a straight line."""
    variance = tf.exp(tf.minimum(log_var, LARGEST_LOG_VAR)) * (1.0 + tf.nn.relu(log_var - LARGEST_LOG_VAR))
    return 0.5 * tf.reduce_sum(tf.square(mu) + variance - log_var - 1.0, axis=1)


def _magnitude(code: Any, weights: Any) -> Any:
    """Mean over events of the sum of magnitudes of a code (N, latent)."""
    if weights is None:
        return tf.reduce_sum(tf.abs(code)) / tf.cast(tf.shape(code)[0], tf.float32)
    return mean(tf.reduce_sum(tf.abs(code), axis=1), weights)


def activation_divergence(code: Any, target: float, weights: Any = None) -> Any:
    """Sum over nodes of KL(target || mean activation) of Bernoulli distributions; the activation is tanh of a ReLU's `code`."""
    average = tf.clip_by_value(_centre(tf.tanh(code), weights), 1e-6, 1 - 1e-6)
    return tf.reduce_sum(target * tf.math.log(target / average) + (1 - target) * tf.math.log((1 - target) / (1 - average)))


def jacobian_norm(encode: Callable[[Any], Any], inputs: Any, size: int, weights: Any = None) -> Any:
    """Mean over events of the squared Frobenius norm of d code / d inputs, exact: one backward pass per node of the code."""
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(inputs)
        code = encode(inputs)
        nodes = [code[:, k] for k in range(size)]
    rows = [tf.reduce_sum(tf.square(tape.gradient(node, inputs)), axis=1) for node in nodes]
    return mean(tf.add_n(rows), weights)


def vicreg_invariance(first: Any, second: Any, weights: Any = None) -> Any:
    """Mean over events and dimensions of the squared difference: equation 5 with the mean over dimensions of algorithm 1."""
    difference = tf.square(first - second)
    return tf.reduce_mean(difference) if weights is None else mean(tf.reduce_mean(difference, axis=1), weights)


def vicreg_variance(embedding: Any, weights: Any = None) -> Any:
    """Mean over dimensions of max(0, 1 - standard deviation) over the batch, equations 1 and 2."""
    deviation = tf.sqrt(tf.linalg.diag_part(_covariance(embedding, weights)) + 1e-4)
    return tf.reduce_mean(tf.nn.relu(1.0 - deviation))


def vicreg_covariance(embedding: Any, weights: Any = None) -> Any:
    """Sum of the squared off-diagonal covariances, divided by the number of dimensions, equations 3 and 4."""
    size = embedding.shape[1]
    return tf.reduce_sum(tf.square(_covariance(embedding, weights)) * (1.0 - tf.eye(size))) / size


def _of_both_views(term: Callable[[Any, Any], Any]) -> Callable[[Batch, dict[str, Any]], Any]:
    """A term of one embedding, summed over those of the two views."""
    return lambda batch, outputs: term(outputs["a"], batch.weights) + term(outputs["b"], batch.weights)


def _centre(values: Any, weights: Any) -> Any:
    """Mean over events of (N, size), whatever the scale of the weights: (size,)."""
    if weights is None:
        return tf.reduce_mean(values, axis=0)
    return tf.linalg.matvec(values, weights / tf.reduce_sum(weights), transpose_a=True)


def _covariance(embedding: Any, weights: Any) -> Any:
    """Unbiased; of a single event 0.

    With weights the divisor is sum(w) - sum(w^2) / sum(w), which is unbiased for independent events with weights that are known
    beforehand (Cochran, Sampling Techniques, section 2.9; GNU Scientific Library, weighted variance) and events - 1 for equal ones.
    """
    centred = embedding - _centre(embedding, weights)
    if weights is None:
        events = tf.cast(tf.shape(embedding)[0], tf.float32)
        return tf.matmul(centred, centred, transpose_a=True) / tf.maximum(events - 1.0, 1.0)
    total = tf.reduce_sum(weights)
    products = tf.matmul(centred, centred * weights[:, None], transpose_a=True)
    return tf.math.divide_no_nan(products, total - tf.reduce_sum(tf.square(weights)) / total)
