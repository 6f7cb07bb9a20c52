# Group normalisation whose backward pass is quick for bfloat16 channels-last tensors on CPUs.
import torch
import torch.nn.functional as F
from torch import nn


class QuickGroupNorm(torch.autograd.Function):
    """The library's forward pass; the backward pass sums with matrix products.

    With x' = (x - mean) * rstd, y = w x' + b and means over a group:
    dx = rstd (w dy - mean(w dy) - x' mean(w dy x')).
    """

    @staticmethod
    def forward(context, x, weight, bias, groups, eps):
        count, channels, height, width = x.shape
        y, mean, rstd = torch.native_group_norm(
            x, weight, bias, count, channels, height * width, groups, eps
        )
        context.save_for_backward(x, weight, mean, rstd)
        context.groups = groups
        return y

    @staticmethod
    def backward(context, dy):
        x, weight, mean, rstd = context.saved_tensors
        count, channels, height, width = x.shape
        groups, pixels = context.groups, height * width
        share = channels // groups
        x = x.permute(0, 2, 3, 1).reshape(count, pixels, channels)
        dy = dy.permute(0, 2, 3, 1).reshape(count, pixels, channels)
        ones = torch.ones(count, 1, pixels, dtype=dy.dtype, device=dy.device)
        plain = (ones @ dy).float().view(count, channels)
        product = (ones @ (dy * x)).float().view(count, channels)
        mean, rstd, scale = mean.float(), rstd.float(), weight.float()
        wide_rstd = rstd.repeat_interleave(share, 1)
        centred = (product - mean.repeat_interleave(share, 1) * plain) * wide_rstd
        first = (plain * scale).view(count, groups, share).sum(2) / (share * pixels)
        second = (centred * scale).view(count, groups, share).sum(2) / (share * pixels)
        on_dy = scale * wide_rstd
        on_x = -(rstd * rstd * second).repeat_interleave(share, 1)
        offset = (rstd * rstd * mean * second - rstd * first).repeat_interleave(share, 1)
        on_dy, on_x, offset = (value.to(dy.dtype)[:, None, :] for value in (on_dy, on_x, offset))
        dx = torch.addcmul(offset, x, on_x).addcmul_(dy, on_dy)
        dx = dx.view(count, height, width, channels).permute(0, 3, 1, 2)
        return dx, centred.sum(0).to(weight.dtype), plain.sum(0).to(weight.dtype), None, None


class GroupNorm(nn.GroupNorm):
    """torch.nn.GroupNorm, with the quick backward pass where it applies."""

    def forward(self, x):
        quick = x.dtype == torch.bfloat16 and x.device.type == "cpu" and torch.is_grad_enabled()
        if quick and x.shape[2] * x.shape[3] >= 512:
            return QuickGroupNorm.apply(x, self.weight, self.bias, self.num_groups, self.eps)
        return F.group_norm(x, self.num_groups, self.weight, self.bias, self.eps)
