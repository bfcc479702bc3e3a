# The network, and what the layers above need to know of it.
variable "environment" { type = string }
variable "cidr_block" { type = string }

resource "aws_vpc" "this" {
  cidr_block           = var.cidr_block
  enable_dns_hostnames = true
  tags                 = { Name = "shop-${var.environment}" }
}

# Handed to the next layers: they read it by name, and know nothing of this layer's state.
resource "aws_ssm_parameter" "vpc_id" {
  name  = "/shop/${var.environment}/foundation/vpc-id"
  type  = "String"
  value = aws_vpc.this.id
}
